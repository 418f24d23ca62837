"""The guide on exports, from its first command to its last."""

import json
import re
import shlex
import shutil
from pathlib import Path

import pandas as pd
import pytest
import torch

from steerkit_core import DirectionSet

PAGE = Path(__file__).parents[2] / "docs" / "guide" / "exports.md"
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
COMMANDS = [line for language, body in BLOCKS if language == "sh" for line in body.splitlines()]
SNIPPETS = [body for language, body in BLOCKS if language == "python"]
TABLES = [body for language, body in BLOCKS if language == "text" and body.startswith("[")]


@pytest.fixture
def begun(give, make_run, tmp_path):
    """A folder in which a run `quickstart` is, and every command of the page was given."""
    run = make_run(["selector.layer=1", 'site.unit="residual"', "site.multiplier=0.3"], "quickstart")
    shutil.copytree(run, tmp_path / "runs" / "quickstart")
    for line in COMMANDS:
        name, *arguments = shlex.split(line)
        code, _, error = give(*arguments)
        assert (name, code, error) == ("steerkit", 0, "")
    return tmp_path


def steered(run):
    """What a run wrote in its steered cell, by prompt."""
    (cell,) = [
        cell["id"]
        for cell in json.loads((run / "results.json").read_text())["cells"]
        if cell["role"] == "steered"
    ]
    rows = [json.loads(line) for line in (run / "completions.jsonl").read_text().splitlines()]
    return {row["prompt"]: row["text"] for row in rows if row["cell"] == cell}


def test_commands_snippets_and_recipes_do_what_the_page_says(begun, make_run, capsys):
    for code in SNIPPETS:
        exec(compile(code, str(PAGE), "exec"), {})
    printed = capsys.readouterr().out
    kept = DirectionSet.load("refusal.safetensors")
    assert str(kept.at(1, -1).raw_norm) in printed
    assert torch.equal(DirectionSet.load("copy.safetensors").units, kept.units)
    assert "rates.refusal.rate" in printed
    assert len(pd.read_parquet("completions.parquet")) == 9
    first, second = TABLES
    # the page's whole recipe, and its first one with the site that the run had
    own = ["selector.layer=1", 'site.unit="residual"', "site.multiplier=0.3", "controls.random=0"]
    written = steered(begun / "runs" / "quickstart")
    for text, changes in ((first, own), (second, ["controls.random=0"])):
        assert steered(make_run(changes, tables=text)) == written
