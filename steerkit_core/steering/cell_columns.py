"""The columns of a cell: what `results.json` says of its setting and its steering."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
from attrs import frozen

from steerkit_core.recipe.recipe import NamedPrompts, Setting
from steerkit_core.values import CellRole, Condition, Direction, Intervention, Steering

# the columns of a cell that are null where nothing was steered
STEERING = (
    "layer",
    "depth",
    "position",
    "multiplier",
    "unit",
    "strength",
    "direction",
    "condition",
    "calibration",
    "extraction",
    "origin",
)

# the columns of a cell that an unfinished run is shown with
BEGUN = (
    *("model", "quantization", "role", "control", "extractor", "site"),
    *("prompts", "classifier", "layer", "multiplier"),
)


@frozen
class CellModel:
    """What cells say of their model; `identity` is all that determines its numbers."""

    id: str
    quantization: str
    num_layers: int
    family_multiplier: float
    identity: Mapping[str, Any]
    num_heads: int = 1


def setting_facts(
    model: CellModel, setting: Setting, role: CellRole, prompts: NamedPrompts
) -> dict[str, Any]:
    """The columns that say what a cell's setting is; a baseline has no extractor and no site."""
    steered = role != "baseline"
    parts = ("extractor", "site", "classifier", "generation") if steered else ("classifier", "generation")
    return {
        "model": model.id,
        "quantization": model.quantization,
        "dtype": model.identity["dtype"],
        "prompts": prompts.name,
        "classifier": setting.classifier.name,
        "extractor": setting.extractor.name if steered else None,
        "source": ("unquantized" if setting.carried else "self") if steered else None,
        "selector": setting.selector.name if steered else None,
        "site": setting.site.name if steered else None,
        "role": role,
        "control": None,
        "options": {part: _options(setting, part) for part in parts},
    }


def _options(setting: Setting, part: str) -> dict[str, Any]:
    """The options of a component or table as they were resolved; the batch size is none of a result's."""
    options = attrs.asdict(getattr(setting, part))
    options.pop("batch_size", None)
    return options


def strength_of(
    intervention: Intervention, steering: Steering, chosen: Direction
) -> dict[str, float] | None:
    """The length of what is added, in all three units, so that models can be compared."""
    if intervention.strength is None:
        return None
    length, layer = intervention.strength, intervention.strength_layer
    measure = chosen if layer is None else steering.directions.at(layer, steering.position)
    raw_norm = measure.raw_norm if intervention.raw_norm is None else intervention.raw_norm
    stream = steering.residual_norms[measure.layer]
    return {"absolute": length, "residual": length / stream, "raw": length / raw_norm}


def condition_of(condition: Condition | None) -> dict[str, Any] | None:
    """Which prompts are edited, and what the site has to say of that."""
    if condition is None:
        return None
    names = ("layer", "position", "module", "threshold", "when")
    return {name: getattr(condition, name) for name in names} | dict(condition.facts)


def origin_words(origin: Mapping[str, Any]) -> str:
    """Where directions come from that are not the model's own, in the words of tables and maps."""
    return f"{origin['run'] or origin['model']}" + (
        "" if origin["map"] == "none" else f", {origin['map']} map"
    )
