"""The page and the package that it explains are the same, its consoles included."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "tests" / "thirdparty" / "steerkit-random"
PAGE = (ROOT / "docs" / "write-an-extractor.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```(\w+)(?: title=\"([^\"]+)\")?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FENCES = [match.groups() for match in FENCE.finditer(PAGE)]
FILES = sorted(
    str(path.relative_to(PACKAGE))
    for path in PACKAGE.rglob("*")
    if path.is_file() and "__pycache__" not in path.parts and "runs" not in path.parts
)
# these do more than print: they are run by the tests of the package, or reach for the network
ELSEWHERE = {"pip install .", "pip install pytest", "pytest", "steerkit run recipe.toml"}


def consoles():
    """Every command with the change made before it, if any, and what it printed."""
    change = None
    for language, title, text in FENCES:
        if language == "diff":
            change = (title, text)
        elif language == "console":
            for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
                command, _, output = part.partition("\n")
                if output:
                    yield pytest.param(
                        change, command, output, id=f"{command[:40]} {change and change[1][:30]}"
                    )
                    change = None


def shown(name):
    return [text for language, title, text in FENCES if title == name and language != "diff"]


def test_the_page_shows_files_and_consoles():
    assert {language for language, _, _ in FENCES} == {"toml", "python", "console", "diff", "markdown"}
    assert {title for _, title, _ in FENCES if title} == set(FILES)
    assert len(list(consoles())) == 10


@pytest.mark.parametrize("name", FILES)
def test_the_page_shows_the_whole_file(name):
    """Its blocks, one after the other with two blank lines between, are the file."""
    whole = "\n\n".join(shown(name))
    assert whole == (PACKAGE / name).read_text(encoding="utf-8")


def test_the_reader_writes_two_files():
    before = PAGE[: PAGE.index("## Use it")]
    assert {match.group(2) for match in FENCE.finditer(before)} == {"pyproject.toml", "steerkit_random.py"}


def applied(text, diff):
    """`text` after a change, whose old lines must stand in it exactly once."""
    old = "".join(line[1:] for line in diff.splitlines(keepends=True) if line[0] in "- ")
    new = "".join(line[1:] for line in diff.splitlines(keepends=True) if line[0] in "+ ")
    assert text.count(old) == 1, old
    return text.replace(old, new)


def agrees(output, page):
    """Whether real output is what the page shows, where `...` stands for any part of a line."""
    lines, shown_lines = output.rstrip().splitlines(), page.rstrip().splitlines()
    return len(lines) == len(shown_lines) and all(
        re.fullmatch(re.escape(wanted).replace(r"\.\.\.", ".+"), line.rstrip())
        for line, wanted in zip(lines, shown_lines, strict=True)
    )


@pytest.mark.parametrize(("change", "command", "output"), list(consoles()))
def test_a_console_shows_what_is_printed(stranger, tmp_path, change, command, output):
    site = shutil.copytree(stranger.site, tmp_path / "site")
    if change is not None:
        title, diff = change
        source = site / title
        source.write_text(applied(source.read_text(), diff))
    env = dict(stranger.env)
    env["PYTHONPATH"] = env["PYTHONPATH"].replace(str(stranger.site), str(site))
    program, *arguments = shlex.split(command)
    assert program == "steerkit"
    done = subprocess.run(
        [str(Path(sys.executable).with_name(program)), *arguments],
        cwd=stranger.folder, env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert agrees(done.stdout + done.stderr, output), done.stdout + done.stderr


def test_every_other_console_is_known():
    commands = {
        command
        for language, _, text in FENCES
        if language == "console"
        for command in re.findall(r"^\$ (.*)$", text, flags=re.MULTILINE)
    }
    checked = {parameter.values[1] for parameter in consoles()}
    grid = 'steerkit run quickstart --set \'grid.extractor=[{use = "dim"}, {use = "noise"}]\''
    assert commands - checked == ELSEWHERE | {grid}


@pytest.mark.parametrize(
    ("output", "page", "same"),
    [
        ("a (x, y) b\n", "a (...) b", True),
        ("a (x, y) c\n", "a (...) b", False),
        ("a\nb\n", "a", False),
        ("option(..., help=...)", "option(..., help=...)", True),
        ("a.b", "a+b", False),
    ],
)
def test_how_consoles_are_compared(output, page, same):
    assert agrees(output, page) == same
