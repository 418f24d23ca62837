"""The columns of a cell that are known before anything is generated: its configuration and its steering."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
from attrs import frozen

from steerkit_core.recipe.recipe import NamedPrompts, Setting
from steerkit_core.results.cells import CellCondition, CellFacts, Strength
from steerkit_core.values import CellRole, Condition, Direction, Intervention, Steering


@frozen
class CellModel:
    """What cells say of their model; `identity` is all that determines its numbers."""

    id: str
    quantization: str
    num_layers: int
    family_multiplier: float
    identity: Mapping[str, str]
    num_heads: int = 1


def setting_facts(model: CellModel, setting: Setting, role: CellRole, prompts: NamedPrompts) -> CellFacts:
    """The columns of a cell of a configuration; a baseline has no extractor and no site.

    The columns that say how it is steered are left None.
    """
    is_steered = role != "baseline"
    parts: tuple[str, ...] = ("classifier", "generation")
    if is_steered:
        parts = ("extractor", "site", *parts)
    source = "unquantized" if setting.carried else "self"
    return CellFacts(
        model=model.id,
        quantization=model.quantization,
        dtype=model.identity["dtype"],
        prompts=prompts.name,
        classifier=setting.classifier.name,
        extractor=setting.extractor.name if is_steered else None,
        source=source if is_steered else None,
        selector=setting.selector.name if is_steered else None,
        site=setting.site.name if is_steered else None,
        role=role,
        options={part: _options(setting, part) for part in parts},
        layer=None,
        depth=None,
        multiplier=None,
    )


def _options(setting: Setting, part: str) -> dict[str, object]:
    """The options of a component or table as they were resolved; the batch size is none of a result's."""
    options = attrs.asdict(getattr(setting, part))
    options.pop("batch_size", None)
    return options


def strength_of(intervention: Intervention, steering: Steering, chosen: Direction) -> Strength | None:
    """The length of what is added, in all three units, so that models can be compared."""
    if intervention.strength is None:
        return None
    length, layer = intervention.strength, intervention.strength_layer
    measure = chosen if layer is None else steering.directions.at(layer, steering.position)
    raw_norm = measure.raw_norm if intervention.raw_norm is None else intervention.raw_norm
    stream = steering.residual_norms[measure.layer]
    return Strength(absolute=length, residual=length / stream, raw=length / raw_norm)


def condition_of(condition: Condition | None) -> CellCondition | None:
    """Which prompts are edited, and what the site has to say of that."""
    if condition is None:
        return None
    return CellCondition(
        layer=condition.layer,
        position=condition.position,
        module=condition.module,
        threshold=condition.threshold,
        when=condition.when,
        facts=condition.facts,
    )
