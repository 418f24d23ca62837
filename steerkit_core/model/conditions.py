"""Which prompts meet the condition of an intervention."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from steerkit_core.generation.edits import HookPoint
from steerkit_core.model.forward import batches, check_positions, forward
from steerkit_core.values import Condition, Prompt

if TYPE_CHECKING:
    from steerkit_core.model.engine import Engine


def meets(model: Engine, prompts: Sequence[Prompt], condition: Condition) -> list[bool]:
    """Which prompts meet a condition. What it asks of a prompt is read once, before anything is edited.

    A prompt whose projection is not a number lies on no side, and counts as below.

    Raises:
        ModelError: a prompt has fewer tokens than the condition's position asks for.
    """
    point = HookPoint(condition.layer, condition.module)
    known = model.read_for_conditions.setdefault((point, condition.position), {})
    missing = list({prompt.said: prompt for prompt in prompts if prompt.said not in known}.values())
    check_positions(model, missing, (condition.position,))
    for batch in batches(model, missing):
        chosen = [missing[index] for index in batch]

        def keep(_layer: int, found: Tensor, _mask: Tensor, chosen: Sequence[Prompt] = chosen) -> None:
            vectors = found[:, condition.position].float().cpu()
            known.update(zip((prompt.said for prompt in chosen), vectors, strict=True))

        forward(model, chosen, keep, point.module, (point.layer,))
    unit = condition.unit.double().cpu()
    return [condition.holds(float(known[prompt.said].double() @ unit)) for prompt in prompts]
