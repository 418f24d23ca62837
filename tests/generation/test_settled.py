"""Texts whose verdict is settled may end: that changes no rate."""

import json

import pytest
from as_json import as_json

from steerkit_core.pipeline.recipe_run import run_recipe
from steerkit_core.recipe.parsing import find_recipe, load_recipe

SWEEP = (
    "selector.depths=[0.3, 0.6]",
    "selector.multipliers=[3.0, 8.0, 30.0]",
    "generation.max_new_tokens=60",
)


def completions(folder):
    rows = (json.loads(line) for line in (folder / "completions.jsonl").read_text("utf-8").splitlines())
    return {(row["cell"], row["prompt_id"]): row for row in rows}


def sweep(registry, folder, *changes):
    recipe = load_recipe(find_recipe("quickstart", registry), registry, [*SWEEP, *changes])
    return as_json(run_recipe(recipe, registry, folder)), completions(folder)


def place(cell):
    return (cell["role"], cell["control"], cell["prompts"], cell["layer"], cell["multiplier"])


@pytest.fixture(scope="module")
def both(registry, tmp_path_factory):
    """The same sweep with early ends and with full texts."""
    folder = tmp_path_factory.mktemp("runs")
    return (
        sweep(registry, folder / "early"),
        sweep(registry, folder / "full", "generation.full_texts=true"),
    )


def test_no_count_changes(both):
    (early, _), (full, _) = both
    assert {place(cell): cell["counts"] for cell in early["cells"]} == {
        place(cell): cell["counts"] for cell in full["cells"]
    }


def test_texts_end_early_in_the_sweep_alone_and_are_beginnings_of_the_full_ones(both):
    (early, shorter), (full, whole) = both
    twins = {place(cell): cell["id"] for cell in full["cells"]}
    settled = 0
    for cell in early["cells"]:
        for (_, prompt), row in ((key, row) for key, row in shorter.items() if key[0] == cell["id"]):
            twin = whole[twins[place(cell)], prompt]
            if row["stop"] == "settled":
                settled += 1
                assert cell["prompts"] == "selection-30"
                assert twin["text"].startswith(row["text"].rstrip("\ufffd"))
                assert row["tokens"] < twin["tokens"]
            else:
                assert row["text"] == twin["text"]
    assert settled >= 30  # at multiplier 30 everything is garbled
    assert not any(row["stop"] == "settled" for row in whole.values())
    assert sum(row["tokens"] for row in shorter.values()) < sum(row["tokens"] for row in whole.values())


def test_a_cell_says_how_its_texts_stopped(both):
    (early, shorter), _ = both
    for cell in early["cells"]:
        stops = [row["stop"] for (name, _), row in shorter.items() if name == cell["id"]]
        assert cell["stops"] == {stop: stops.count(stop) for stop in set(stops)}


def test_two_judges_see_the_same_full_texts(registry, tmp_path):
    judges = "grid.\"classifier.keywords\"=[['sorry'], ['cannot']]"
    _, rows = sweep(registry, tmp_path / "run", "selector.depths=[0.6]", judges)
    assert not any(row["stop"] == "settled" for row in rows.values())


def test_a_finished_run_remembers_the_batch_size_that_it_found(registry, tmp_path):
    folder = tmp_path / "run"
    sweep(registry, folder, "selector.depths=[0.6]")
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    (model,) = manifest["models"]
    assert model["batch_rows"]
    model["batch_rows"] = dict.fromkeys(model["batch_rows"], 7)
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    sweep(registry, folder, "selector.depths=[0.6]")
    (again,) = json.loads((folder / "manifest.json").read_text("utf-8"))["models"]
    assert set(again["batch_rows"].values()) == {7}
