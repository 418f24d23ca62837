"""The tables of a recipe: those of options, and those of components."""

from __future__ import annotations

from steerkit_core.components import Classifier, Component, Extractor, LayerSelector, Site
from steerkit_core.components.model_spec import ModelSpec
from steerkit_core.recipe.options import (
    CalibrationOptions,
    ControlOptions,
    GenerationOptions,
    PromptOptions,
    RunOptions,
)

OPTION_TABLES: dict[str, type] = {
    "run": RunOptions,
    "model": ModelSpec,
    "prompts": PromptOptions,
    "generation": GenerationOptions,
    "calibration": CalibrationOptions,
    "controls": ControlOptions,
}
COMPONENT_TABLES: dict[str, type[Component]] = {
    "extractor": Extractor,
    "selector": LayerSelector,
    "site": Site,
    "classifier": Classifier,
}
TABLES = ("run", "model", "prompts", *COMPONENT_TABLES, "generation", "calibration", "controls", "grid")
# written by `steerkit transfer`; see `steerkit_core.recipe.transfer_pairs`
TRANSFER = "transfer"
