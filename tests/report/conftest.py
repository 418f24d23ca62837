"""A run of a thousand cells in little: labels, layers and multipliers vary, and all its rows are known."""

import json
import sys
from pathlib import Path

import pytest
from bench.large import write_large_run

from steerkit_core.report.content.record import read_record
from steerkit_core.report.page.html import render_html

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """A run of 6 layers x 3 multipliers and an unsteered cell, on 8 prompts."""
    return write_large_run(tmp_path_factory.mktemp("made"), layers=6, strengths=3, prompts=8, words=9)


@pytest.fixture
def copied(made, tmp_path):
    """A copy of that run that a test may spoil; `change(name, edit)` rewrites one of its JSON files."""
    folder = tmp_path / "copy"
    folder.mkdir()
    for path in made.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())

    def change(name, edit):
        value = json.loads((folder / name).read_text("utf-8"))
        edit(value)
        (folder / name).write_text(json.dumps(value), "utf-8")

    folder_and = type("Copy", (), {"folder": folder, "change": staticmethod(change)})
    return folder_and()


@pytest.fixture(scope="session")
def results(made):
    return json.loads((made / "results.json").read_text("utf-8"))


@pytest.fixture(scope="session")
def rows(made):
    """Completions with verdicts, as the two files have them."""
    texts, verdicts = (
        [json.loads(line) for line in (made / name).read_text("utf-8").splitlines()]
        for name in ("completions.jsonl", "verdicts.jsonl")
    )
    return [text | verdict for text, verdict in zip(texts, verdicts, strict=True)]


@pytest.fixture(scope="session")
def html(made):
    return render_html([read_record(made)])
