"""A whole run of a few seconds around one component: a recipe, a tiny model, two prompts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steerkit_core.testing.installed import installed_registry
from steerkit_core.testing.tiny import TinyModels

if TYPE_CHECKING:
    from steerkit_core.components import Component
from steerkit_core.results.results import RunResults

TABLES: Mapping[str, Mapping[str, Any]] = {
    "run": {"name": "small-run"},
    "model": {"id": "tiny:qwen2", "device": "cpu"},
    "prompts": {"contrast": "kit-contrast", "evaluation": "kit-neutral"},
    "extractor": {"use": "dim"},
    "selector": {"use": "fixed", "layer": 1},
    "site": {"use": "residual-add", "multiplier": 2.0},
    "classifier": {"use": "refusal-keywords"},
    "generation": {"max_new_tokens": 4},
    "controls": {"random": 0, "shuffled": 0, "flipped": False},
}


def small_run(
    folder: Path,
    component: type[Component] | None = None,
    tables: Mapping[str, Mapping[str, Any]] | None = None,
) -> RunResults:
    """Run a recipe on a tiny model, as `steerkit run` would.

    Args:
        folder: where the models and the run directory `run` go.
        component: registered besides the installed ones.
        tables: tables of the recipe that replace those of `TABLES`.

    Returns:
        What `results.json` holds.

    Raises:
        SteerkitError: anything that `steerkit run` would have told the user.
    """
    import tomlkit

    from steerkit_core.pipeline.recipe_run import run_recipe
    from steerkit_core.recipe.parsing import parse_recipe

    registry = installed_registry(component, [TinyModels(folder / "models")])
    text = tomlkit.dumps({**TABLES, **(tables or {})})
    return run_recipe(parse_recipe(text, registry), registry, folder / "run")
