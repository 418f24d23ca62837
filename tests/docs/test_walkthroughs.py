"""The pages that lead through an experiment are executed, command by command, and print what they say."""

import re
import shlex

import pytest
from docs_pages import DOCS, blocks, consoles, titled, typed

from steerkit_core.cli import execute
from steerkit_core.recipe.parsing import parse_recipe

PAGES = ["quickstart", "new-model"]
# what puts the package where it is before a test can begin
INSTALLED = "pip install -c constraints.txt ."


def text_of(name):
    return (DOCS / "guide" / f"{name}.md").read_text("utf-8")


def missing(shown, printed):
    """The lines shown that are not among those printed, in this order; `...` is any part, and any lines."""
    lines = iter([" ".join(line.split()) for line in printed.splitlines()])
    wanted = [" ".join(line.split()) for line in shown if line.strip() not in ("", "...")]
    patterns = [re.escape(line).replace(r"\.\.\.", ".*") for line in wanted]
    return [
        line
        for line, pattern in zip(wanted, patterns, strict=True)
        if not any(re.fullmatch(pattern, found) for found in lines)
    ]


@pytest.mark.slow  # reason: whole experiments; run by `nox -s docs`, too
@pytest.mark.parametrize("name", PAGES)
def test_a_walkthrough_does_what_it_says(name, host, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    text = text_of(name)
    for file, body in titled(text):
        (tmp_path / file).write_text(body, "utf-8")
    commands = [(command, shown) for command, shown in typed(text) if command != INSTALLED]
    assert len(commands) >= 6
    for command, shown in commands:
        program, *arguments = shlex.split(command)
        assert program == "steerkit"
        assert execute(arguments, host) == 0, capsys.readouterr().err
        printed = capsys.readouterr()
        assert missing(shown, printed.out + printed.err) == [], command


def test_a_grid_of_the_walkthrough_has_a_setting_for_each_model_and_extractor(shipped):
    text = text_of("new-model")
    ((_, recipe),) = titled(text)
    (grid,) = (body for _, _, body in blocks(text, "toml") if body.startswith("[grid]"))
    found = parse_recipe(f"{recipe}\n{grid}", shipped, source="new-model.toml", folder=DOCS).settings
    assert [(setting.model.id, setting.extractor.name) for setting in found] == [
        (f"bundled:{model}", extractor)
        for model in ("mistral-s", "qwen2-s", "gemma2-s")
        for extractor in ("dim", "pca")
    ]


def test_the_sentence_of_the_walkthrough_is_what_was_printed():
    """The result's figures stand twice on the page; those in the consoles are checked by running them."""
    text = text_of("new-model")
    printed = "\n".join(line for _, shown in consoles(text) for line in shown)
    quote = " ".join(line.removeprefix("> ") for line in text.splitlines() if line.startswith("> "))
    assert "controls: 23/30 against 0/30 for the baseline and at most 12/30 under 5 controls" in printed
    assert "23 of 30 held-out" in quote
    assert "0 of 30 without it, and at most 12 of 30 under five control directions" in quote


@pytest.mark.parametrize(
    ("shown", "printed", "left"),
    [
        (["a b", "c"], "a  b\nx\nc\n", []),
        (["c", "a b"], "a  b\nx\nc\n", ["a b"]),
        (["...", "cell (...)"], "no\ncell (c12)\n", []),
        (["cell (...)."], "cell (c12)\n", ["cell (...)."]),
    ],
)
def test_how_consoles_are_compared(shown, printed, left):
    assert missing(shown, printed) == left
