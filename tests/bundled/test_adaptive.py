"""The figure that `adaptive` must reach on every bundled model: the sweep's best, for four tenths of its rows."""

import pytest
from as_json import as_json

from steerkit_core.pipeline.recipe_run import run_recipe
from steerkit_core.recipe.parsing import find_recipe, load_recipe

GRIDS = {
    "5x6": ((0.1, 0.2, 0.3, 0.4, 0.5), (1.0, 2.0, 4.0, 8.0, 12.0, 18.0)),
    "5x3": ((0.1, 0.2, 0.3, 0.4, 0.5), (1.0, 2.0, 4.0)),
    "5x6, deeper": ((0.3, 0.4, 0.5, 0.6, 0.7), (1.0, 2.0, 4.0, 8.0, 12.0, 18.0)),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["qwen2-s", "qwen2-m", "gemma2-s", "mistral-s"])
def test_it_is_within_one_prompt_of_the_sweep_for_four_tenths_of_its_completions(name, registry, tmp_path):
    for number, (grid, (depths, multipliers)) in enumerate(GRIDS.items()):
        found, made = {}, {}
        for use in ("sweep", "adaptive"):
            changes = [
                f"model.id=bundled:{name}",
                "prompts.evaluation=selection-30",
                f"selector.use={use}",
                f"selector.depths={list(depths)}",
                f"selector.multipliers={list(multipliers)}",
            ]
            recipe = load_recipe(find_recipe("quickstart", registry), registry, changes)
            report = as_json(run_recipe(recipe, registry, tmp_path / f"{use}-{number}"))
            (selection,) = report["selections"]
            tried = [cell for cell in report["cells"] if cell["role"] == "steered"]
            (chosen,) = (cell for cell in tried if cell["selected"])
            found[use] = chosen["counts"]["refusal"]
            made[use] = sum(cell["n"] + cell["failed"] for cell in tried)
        print(f"{name}, {grid}: {found}, {made}: {selection['reason']}")  # noqa: T201  # reason: the figures, for -s
        assert made["sweep"] == len(depths) * len(multipliers) * 30
        assert made["adaptive"] <= 0.4 * made["sweep"], grid
        assert found["adaptive"] >= found["sweep"] - 1, grid
        saved = made["sweep"] - made["adaptive"]
        assert f"made {made['adaptive']} of the {made['sweep']} completions" in selection["reason"]
        assert selection["reason"].endswith(f"saved {saved}")
