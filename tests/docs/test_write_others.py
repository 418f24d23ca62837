"""The pages on selectors, classifiers and adapters show what `steerkit plugins new` writes, and code that works."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from steerkit_core.cli import execute

DOCS = Path(__file__).parents[2] / "docs"
FENCE = re.compile(r"^```(\w+)(?: title=\"([^\"]+)\")?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MADE = {
    "write-a-selector.md": ("selector", "furthest"),
    "write-a-classifier.md": ("classifier", "early-refusal"),
    "write-an-adapter.md": ("adapter", "gentle-mistral"),
}


def fences(page):
    return [match.groups() for match in FENCE.finditer((DOCS / page).read_text("utf-8"))]


def consoles(page):
    """Every command with what it printed, if the page shows that."""
    for language, _, text in fences(page):
        if language == "console":
            for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
                command, _, output = part.partition("\n")
                yield command, output


@pytest.fixture(scope="module")
def written(host, tmp_path_factory):
    """The folders of the packages, by page."""
    home = tmp_path_factory.mktemp("written")
    for page, (kind, name) in MADE.items():
        assert execute(["plugins", "new", kind, name, "--out", str(home / page), "--json"], host) == 0
    return {page: home / page for page in MADE}


@pytest.fixture(scope="module")
def changed(written, tmp_path_factory):
    """Copies of them with the changes of the pages, by page."""
    home = tmp_path_factory.mktemp("changed")
    folders = {}
    for page, source in written.items():
        folders[page] = home / page.removesuffix(".md")
        subprocess.run(["cp", "-r", str(source), str(folders[page])], check=True)
        for language, title, text in fences(page):
            if language == "diff":
                file = folders[page] / title
                file.write_text(applied(file.read_text("utf-8"), text), "utf-8")
    return folders


def applied(text, diff):
    """`text` after a change, whose old lines must stand in it exactly once."""
    old = "".join(line[1:] for line in diff.splitlines(keepends=True) if line[0] in "- ")
    new = "".join(line[1:] for line in diff.splitlines(keepends=True) if line[0] in "+ ")
    assert text.count(old) == 1, old
    return text.replace(old, new)


def contract(folders, site):
    """What pytest says of packages that pip has installed into `site`."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-index"]
    offline = ["--no-deps", "--no-build-isolation", "--upgrade", "--target", str(site)]
    subprocess.run([*pip, *offline, *map(str, folders)], check=True)
    paths = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), *paths])}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--import-mode=importlib"]
    done = subprocess.run(
        [*command, *map(str, folders)], env=env, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("page", MADE)
def test_the_page_shows_the_files_as_they_are_written(page, written):
    titles = {title for language, title, _ in fences(page) if title and language == "python"}
    assert len(titles) == 2
    for title in titles:
        parts = [text for language, found, text in fences(page) if found == title and language == "python"]
        assert "\n\n".join(parts) == (written[page] / title).read_text("utf-8")


@pytest.mark.parametrize("page", MADE)
def test_the_first_command_prints_what_the_page_shows(page, host, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    kind, name = MADE[page]
    ((command, output),) = [found for found in consoles(page) if found[1]]
    assert shlex.split(command) == ["steerkit", "plugins", "new", kind, name]
    assert execute(shlex.split(command)[1:], host) == 0
    assert capsys.readouterr().out == output


def test_the_changed_packages_keep_their_contracts(changed, tmp_path):
    code, said = contract(changed.values(), tmp_path)
    assert code == 0, said
    assert re.fullmatch(r"\d+ passed in .*", said.splitlines()[-1])


def test_the_mistake_is_found_as_the_page_says(changed, tmp_path):
    page = "write-a-classifier.md"
    folder = tmp_path / "package"
    subprocess.run(["cp", "-r", str(changed[page]), str(folder)], check=True)
    file = folder / "steerkit_early_refusal.py"
    file.write_text(file.read_text().replace('{3}", start, re.IGNORECASE)', '{3}", text, re.IGNORECASE)'))
    ((_, _, message),) = [found for found in fences(page) if found[0] == "text"]
    code, said = contract([folder], tmp_path / "site")
    assert code == 1
    assert message.strip() in said
    assert said.splitlines()[-1].startswith("1 failed, ")


def test_the_other_commands_are_known():
    """They are checked with those of all pages, or need what a test has not: the hub, the package installed."""
    others = {command for page in MADE for command, output in consoles(page) if not output}
    assert others == {
        "steerkit plugins show furthest",
        "steerkit run recipe.toml --set selector.tried=5",
        "steerkit parity bundled:mistral-s",
        "steerkit parity meta-llama/Llama-3.2-1B-Instruct",
        "steerkit check recipe.toml --model",
    }
