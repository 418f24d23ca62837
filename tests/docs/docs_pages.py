"""Reading the documentation: its pages, their code blocks, tables and links."""

import re
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
# the site's own: its index pages, and those that show a file of the sources
OF_THE_SITE = {
    DOCS / name
    for name in ("index.md", "gotchas/index.md", "decisions/index.md", "changelog.md", "contributing.md")
}
PAGES = [
    *(
        page
        for page in sorted(DOCS.rglob("*.md"))
        if page not in OF_THE_SITE and "_build" not in page.parts
    ),
    *sorted(ROOT.glob("*.md")),
]

_FENCE = re.compile(
    r"(?P<wrong><!-- wrong -->\n)?^```(?P<language>[\w{}-]*)(?: title=\"(?P<title>[^\"]+)\"| [^\n]*)?\n"
    r"(?P<body>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")


def load_script(path, name):
    """A script as a module, registered under `name` so that annotations can be resolved."""
    spec = spec_from_file_location(name, path)
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def blocks(text, *languages):
    """The code blocks of some languages: (marked as wrong, language, body)."""
    found = [(bool(match["wrong"]), match["language"], match["body"]) for match in _FENCE.finditer(text)]
    return [block for block in found if not languages or block[1] in languages]


def titled(text):
    """The code blocks that are files: (name, body)."""
    return [(match["title"], match["body"]) for match in _FENCE.finditer(text) if match["title"]]


def consoles(text):
    """What is typed after `$ ` in blocks of a console, each with the lines that are shown to come of it."""
    for _, _, body in blocks(text, "console"):
        for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            yield command, output.splitlines()


def typed(text):
    """Every command that a page shows, in its order, with the lines that are shown to come of it."""
    for match in _FENCE.finditer(text):
        if match["language"] in ("bash", "sh"):
            yield from ((line, []) for line in match["body"].splitlines() if line.strip())
        if match["language"] == "console":
            yield from consoles(match[0])


def section(text, heading):
    """What stands under a heading of the second level."""
    _, _, rest = text.partition(f"\n## {heading}\n")
    assert rest, f"no section {heading!r}"
    return rest.partition("\n## ")[0]


def first_table(text):
    """The rows of the first table, each a list of cells without code marks; escaped bars are kept."""
    lines = text[text.index("\n| ") + 1 :].split("\n\n")[0].splitlines()
    rows = [[cell.strip().strip("`") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return rows[2:]


def links(text):
    """The targets of all links outside code blocks."""
    return [match["target"] for match in _LINK.finditer(_FENCE.sub("", text))]


def anchors(text):
    """The anchors of a page's headings, as GitHub makes them."""
    found = set()
    for heading in re.findall(r"^#+ (.+)$", _FENCE.sub("", text), re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        found.add(re.sub(r"[^\w\- ]", "", plain).replace(" ", "-"))
    return found
