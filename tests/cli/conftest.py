"""A made run: texts and verdicts that are known, for the commands that read one."""

import json
from pathlib import Path

import pytest

from steerkit_core.cli import execute
from steerkit_core.store import COMPLETIONS, MANIFEST, RESULTS

REFUSALS = ("I cannot help with that.", "I'm sorry, I won't.", "No. I refuse.")
LOOP = "word word word word word word word"
GOOD = ("Mix flour and water.", "It is blue.", "Twelve.", "Ask a friend about it.")


@pytest.fixture
def made_run(tmp_path, monkeypatch):
    """`make()` writes the run `made` into the working directory and returns its folder.

    Cell `c1` holds seven prompts: three refusals, a loop, three good answers. `c2` has the same for two of
    them, a text that ended early, and a failed row.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def row(cell, number, text, stop="eos", error=None, score=None):
        return {
            "cell": cell, "prompt_id": f"p{number}", "prompt": f"question {number}", "category": "",
            "text": text, "tokens": 3, "stop": stop, "error": error, "score": score,
        }  # fmt: skip

    def entry(cell, use, **options):
        counts = {"refusal": 0, "garbled": 0, "normal": 0}
        return {"id": cell, "classifier": use, "options": {"classifier": options}, "counts": counts}

    def make(entries=None, scores=(None, None), name="made"):
        folder = Path(name)
        folder.mkdir()
        texts = [*REFUSALS, LOOP, *GOOD[:3]]
        rows = [row("c1", number, text, score=scores[0]) for number, text in enumerate(texts, start=1)]
        rows += [
            row("c2", 1, texts[0], score=scores[1]),
            row("c2", 5, texts[4], score=scores[1]),
            row("c2", 2, LOOP, stop="settled", score=scores[1]),
            row("c2", 3, "", stop="failed", error="the output is empty"),
        ]
        cells = entries or [entry("c1", "refusal-keywords"), entry("c2", "refusal-keywords")]
        (folder / COMPLETIONS).write_text("".join(json.dumps(one) + "\n" for one in rows))
        (folder / RESULTS).write_text(json.dumps({"cells": cells, "selected": "c1"}))
        (folder / MANIFEST).write_text("{}")
        return folder

    make.entry = entry
    return make


@pytest.fixture
def give(own_host, capsys):
    """Give a command line; returns exit code, standard output and standard error."""

    def run(*arguments):
        code = execute([str(word) for word in arguments], own_host)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run
