"""A run that was killed: what is there can be shown, and what needs results says how to get them."""

import json
from pathlib import Path

import pytest
from made_results import manifest

from steerkit_core.files.fingerprints import document_fingerprint
from steerkit_core.pipeline.recipe_run import run_recipe
from steerkit_core.recipe.parsing import find_recipe, load_recipe
from steerkit_core.results.run_directory import RunDirectory, open_run

COMMANDS = {
    "compare": ["compare", "small", "small"],
    "agree": ["agree", "small", "--classifiers", "refusal-keywords,refusal-tiered"],
    "label": ["label", "small", "--rater", "a"],
    "chat": ["chat", "small"],
    "export": ["export", "small", "--to", "csv", "--out", "cells.csv"],
    "show --selection": ["show", "small", "--selection"],
}


@pytest.fixture
def unfinished(registry, write_recipe, tmp_path, monkeypatch):
    """A run that was killed after eleven completions."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    recipe = load_recipe(find_recipe(str(write_recipe(tmp_path)), registry), registry, ["run.seed=3"])
    seen = []

    class Killed(Exception):
        pass

    def append(self, cell, completion, real=None):
        if len(seen) == 11:
            raise Killed
        seen.append((cell, completion))
        real(self, cell, completion)

    real = RunDirectory.append
    with monkeypatch.context() as patched:
        patched.setattr(RunDirectory, "append", lambda self, *row: append(self, *row, real=real))
        with pytest.raises(Killed):
            run_recipe(recipe, registry, Path("runs/small"))
    with (tmp_path / "runs/small/completions.jsonl").open("a") as file:
        file.write('{"cell": "half a li')
    return Path("runs/small"), seen


def test_an_unfinished_run_shows_what_is_there_and_how_it_ends(unfinished, give, says):
    folder, seen = unfinished
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    found = json.loads(give("show", "small", "--json")[1])
    assert (found["state"], found["completions"]) == ("unfinished", 11)
    # five unsteered, four depths of which two are one layer with two multipliers, and five of the best
    assert found["planned"] == 5 + 4 * 4 + 5
    says(found["command"])
    by_cell = {cell["id"]: cell for cell in found["cells"]}
    for name in {cell for cell, _ in seen}:
        own = [row for cell, row in seen if cell == name]
        assert by_cell[name]["completions"] == len(own)
        assert by_cell[name]["tokens"] == sum(row.tokens for row in own)
    assert sorted((cell["layer"] or -1, cell["multiplier"] or 0) for cell in found["cells"]) == [
        (-1, 0), (1, 2.0), (1, 8.0), (2, 2.0), (2, 8.0),
    ]  # fmt: skip
    code, out, err = give("show", "small")
    assert (code, err) == (0, "")
    assert "11 of at most 26" in out
    assert out.splitlines()[-1].strip() == found["command"]
    name = seen[0][0]
    texts = [row.text for cell, row in seen if cell == name]
    rows = json.loads(give("show", "small", "--cell", name[:6], "--json")[1])
    assert [row["text"] for row in rows] == texts
    # whoever looks changes nothing: another process may be at work on it
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("command", COMMANDS)
def test_what_needs_results_says_how_to_get_them(command, unfinished, give):
    folder, _ = unfinished
    recipe = folder.absolute().parents[1] / "recipe.toml"
    code, out, err = give(*COMMANDS[command])
    assert (code, out) == (2, "")
    assert "11 of at most 26" in err
    assert f"`steerkit run {recipe} --set run.seed=3 --out runs/small`" in err


def test_a_run_that_has_begun_nothing_can_be_shown(tmp_path, monkeypatch, give, says):
    monkeypatch.chdir(tmp_path)
    mark = document_fingerprint({})
    with open_run(Path("runs/new"), mark) as store:
        store.write_json("manifest.json", manifest(name="new", recipe_fingerprint=mark))
        store.write_text("recipe.toml", "")
    code, out, _ = give("show", "new")
    assert code == 0
    assert "new is unfinished: 0 completions" in out
    says(out.splitlines()[-1].strip())
