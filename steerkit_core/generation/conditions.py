"""Who is steered at all: interventions that ask something of a prompt before they edit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from steerkit_core.values import Condition, Intervention, Prompt

if TYPE_CHECKING:
    from steerkit_core.generation.decoder import Decoder


def conditioned(model: Decoder, rows: Sequence[tuple[Prompt, Intervention]]) -> list[Intervention]:
    """The rows' interventions, with none for a prompt that does not meet its condition."""
    asked: dict[Condition, dict[object, Prompt]] = {}
    for prompt, intervention in rows:
        if intervention.condition is not None:
            asked.setdefault(intervention.condition, {})[prompt.said] = prompt
    met = {
        (condition, said)
        for condition, prompts in asked.items()
        for said, holds in zip(prompts, model.meets(list(prompts.values()), condition), strict=True)
        if holds
    }
    return [
        way if way.condition is None or (way.condition, prompt.said) in met else Intervention()
        for prompt, way in rows
    ]
