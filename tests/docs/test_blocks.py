"""Every block of code on every page is checked somewhere, and this file says where."""

import re
import shlex
import tomllib
from importlib import import_module

import attrs
import click
import pytest
from docs_pages import DOCS, PAGES, ROOT, blocks, consoles, load_script, typed
from messages import says

from steerkit_core.cli import execute, make_group

PLUGINS = DOCS / "plugins.md"
# what a console shows of these is looked at here; the others take longer, and stand in test_walkthroughs.py
QUICK = {"check", "plugins", "power", "replicate", "runs", "schema"}
WALKTHROUGHS = {DOCS / "guide" / "quickstart.md", DOCS / "guide" / "new-model.md"}
# tutorials are checked against the packages that they explain, each in a test file of its own
TUTORIALS = {page for page in PAGES if page.name.startswith("write-")}

GENERATED = "generated, and compared with what the code gives: test_reference.py"
CHECKED = {
    "bash": "understood: test_pages.py, and below where it is no command of steerkit",
    "sh": "as bash",
    "console": "run: below, or test_walkthroughs.py",
    "toml": "recipes are loaded: test_pages.py, test_reference.py",
    "python": "executed: test_run_directory.py, below; compiled where it needs a reader's model: test_pages.py",
    "text": "printed: test_reference.py, test_tables.py, below",
    "jsonl": "read as a prompt file: test_reference.py",
    "csv": "as jsonl",
    "txt": "as jsonl",
    "{eval-rst}": GENERATED,
}
# formulas, which nothing prints
FORMULAS = {"n_effective = ", "resid_post = ", "middle = "}
# measured tables, which test_tables.py measures again
TABLES = {"cosine of each layer", "source target layer"}
# other programs and packages: tests/export gives the packages what is exported; llama.cpp is not at hand
OTHERS = {"llama-cli ", "vector = "}
# examples of what a report begins with (tests/report, tests/cli) and a terminal shows while a run goes on
MADE = {"With the direction of ", "layer mult. rows "}
# problems of a recipe, one a line, which test_pages.py provokes
PROBLEMS = {"selector.depths: expected "}
# a run or a file that is taken from has to exist before a recipe with it can be loaded
TAKES = '[extractor]\nuse = "transfer"\n'


def name_of(page):
    return str(page.relative_to(ROOT))


def of(language, pages=PAGES):
    return [
        pytest.param(body, id=f"{name_of(page)} {number}")
        for page in pages
        if page not in TUTORIALS
        for number, (_, _, body) in enumerate(blocks(page.read_text("utf-8"), *language.split()))
    ]


def others():
    """What is typed and no command of steerkit, a line's parts one by one."""
    lines = {
        (page, part.strip())
        for page in PAGES
        if page not in TUTORIALS
        for line, _ in typed(page.read_text("utf-8"))
        for part in re.split(r"&& | \| ", line)
        if not part.strip().startswith("steerkit ")
    }
    return [pytest.param(line, id=f"{name_of(page)}: {line}") for page, line in sorted(lines)]


def inline():
    """Every command of steerkit inside a sentence."""
    found = {
        (page, " ".join(text.split()))
        for page in PAGES
        if page.name != "CHANGELOG.md"
        for text in re.findall(
            r"`(steerkit [^`\[]+)`",
            re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL),
        )
    }
    return [pytest.param(text, id=f"{name_of(page)}: {text}") for page, text in sorted(found)]


@pytest.mark.parametrize("page", [page for page in PAGES if page not in TUTORIALS], ids=name_of)
def test_every_block_is_of_a_kind_that_is_checked(page):
    assert {language for _, language, _ in blocks(page.read_text("utf-8"))} <= set(CHECKED)


@pytest.mark.parametrize("page", sorted(TUTORIALS), ids=name_of)
def test_every_tutorial_has_a_test_of_its_own(page):
    tests = [path.read_text("utf-8") for path in sorted((ROOT / "tests" / "docs").glob("test_write_*.py"))]
    assert [page.name for text in tests if page.stem in text] != []


@pytest.mark.parametrize("line", inline())
def test_commands_in_sentences_are_understood(line, host):
    group = make_group()
    list(host.collect("steerkit_add_commands", group=group))
    context = click.Context(group)
    words = shlex.split(line)[1:]
    command = group
    while words and hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    known = {
        name
        for parameter in command.get_params(context)
        for name in [*parameter.opts, *parameter.secondary_opts]
    }
    assert {word for word in words if word.startswith("--")} <= known


@pytest.mark.parametrize("line", others())
def test_other_commands_are_understood(line):
    program, *words = shlex.split(line, comments=True)
    if program == "pip":
        assert_installable(words)
    elif program == "nox":
        assert set(words[1:]) <= sessions()
    elif program == "python" and words[0].endswith(".py"):
        script = load_script(ROOT / words[0], "script_of_a_page")
        script.main.make_context(words[0], words[1:])
    else:  # what a shell, Python and git are known for
        assert program in {"echo", "taplo"} or line in {
            "git clone <this repository>",
            "cd steerkit",
            "python -m venv .venv",
            ". .venv/bin/activate",
        }


def assert_installable(words):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert words.pop(0) == "install"
    while words:
        word = words.pop(0)
        if word == "-c":
            assert (ROOT / words.pop(0)).exists()
        elif word == "--group":
            assert words.pop(0) in project["dependency-groups"]
        elif word.startswith(".["):
            assert word[2:-1] in project["project"]["optional-dependencies"]
        else:  # itself, what runs its checks, and the wrong way of a page on the name
            assert word in {"-e", ".", "--upgrade", "pip", "nox", "steerkit"}


def sessions():
    source = (ROOT / "noxfile.py").read_text("utf-8")
    return set(re.findall(r"^@nox\.session.*\ndef (\w+)\(", source, flags=re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_sessions_exist(page):
    if page.name != "CHANGELOG.md":
        named = re.findall(r"nox -s ((?:\w+ ?)+)", page.read_text("utf-8"))
        assert {name for names in named for name in names.split()} <= sessions()


@pytest.mark.parametrize("body", of("console", [page for page in PAGES if page not in WALKTHROUGHS]))
def test_consoles_print_what_is_shown(body, host, tmp_path, monkeypatch, capsys):
    from test_walkthroughs import missing

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    for command, shown in consoles(f"```console\n{body}```\n"):
        words = shlex.split(command)
        assert words[1] in QUICK
        execute(words[1:], host)
        printed = capsys.readouterr()
        assert missing(shown, printed.out + printed.err) == [], command


GUIDES = [page for page in PAGES if page.parent.name in ("guide", "gotchas")]


@pytest.mark.parametrize("body", of("text", GUIDES))
def test_texts_are_what_is_printed(body, shipped):
    words = " ".join(body.split())
    if words.startswith(tuple(FORMULAS | TABLES | OTHERS | MADE | PROBLEMS)):
        return
    if body.startswith(TAKES):
        known = {field.name for field in attrs.fields(shipped.get("extractor", "transfer"))}
        assert set(tomllib.loads(body)["extractor"]) <= known | {"use"}
        return
    shown = {
        line for walk in WALKTHROUGHS for _, lines in consoles(walk.read_text("utf-8")) for line in lines
    }
    # a note says of which cell it is, and the code puts that before it
    sentence = re.sub(r"^(error: |note: .*?\(cell \w+\): )", "", words)
    assert words in shown or says(sentence), words


def test_a_text_that_nothing_prints_is_found():
    assert says(
        "calibration at layer 9, position -1: the mean KL reaches at most 0.31 nats, at multiplier 512, expected 0.5: choose a lower target"
    )
    assert not says(
        "calibration at layer 9, position -1: the mean KL gets to at most 0.31 nats, at multiplier 512, expected 0.5: choose a lower target"
    )


def test_the_page_on_plugins_shows_an_extractor_that_works(own_host, tmp_path):
    """Its directions are of length one and the same at every layer, as its docstring has it."""
    from steerkit_core.plugin.registry import Registry
    from steerkit_core.testing import installed_adapters, tiny_handle
    from steerkit_core.values import ContrastSet, Prompt

    (body,) = (body for _, _, body in blocks(PLUGINS.read_text("utf-8"), "python") if "hookimpl" in body)
    (tmp_path / "noise.py").write_text(body, "utf-8")
    own_host.register(load_script(tmp_path / "noise.py", "noise_of_the_page"), "noise")
    registry = Registry.collect(own_host)
    assert own_host.failed == ()
    contrast = ContrastSet("two", (Prompt("a", "How do I bake?"),), (Prompt("b", "What is nine?"),))
    handle = tiny_handle("qwen2", installed_adapters(), layers=4)
    found = registry.get("extractor", "noise")(seed=3).extract(handle, contrast, [0, 2, 3])
    assert found.units.norm(dim=-1).tolist() == [pytest.approx([1.0] * 3, abs=1e-6)]
    first, second, third = found.units[0].tolist()
    assert first == second == third


def test_the_page_on_hooks_names_the_entry_point_group():
    ((_, _, body),) = blocks((DOCS / "reference" / "hooks.md").read_text("utf-8"), "toml")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert tomllib.loads(body)["project"]["entry-points"].keys() == project["entry-points"].keys()
    assert import_module(project["entry-points"]["steerkit"]["dim"])
