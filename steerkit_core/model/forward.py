"""Forward passes of the decoder over prompts, in batches, for whoever wants to see what blocks give."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from steerkit_core.errors import ModelError
from steerkit_core.generation.edits import HookPoint
from steerkit_core.generation.rows import left_pad, positions_of, read_together
from steerkit_core.values import BlockModule, Prompt

if TYPE_CHECKING:
    from steerkit_core.model.engine import Engine


def batches(model: Engine, prompts: Sequence[Prompt]) -> Iterator[list[int]]:
    """Indices of prompts that go through the model together, longest first."""
    return read_together([model.encode(prompt) for prompt in prompts])


@torch.inference_mode()
def forward(
    model: Engine,
    prompts: Sequence[Prompt],
    observe: Callable[[int, Tensor, Tensor], None],
    module: BlockModule = "residual",
    layers: Sequence[int] | None = None,
) -> None:
    """Send one batch of prompts through the decoder, without the LM head, and observe a module of blocks.

    Args:
        model: the model.
        prompts: those of the batch.
        observe: called with a layer, what its module gives, (rows, tokens, width), and the mask,
            (rows, tokens), which is 0 at padding.
        module: what is observed in each block.
        layers: which blocks; by default all, and of fewer the pass ends behind the last.
    """
    ids, mask = left_pad([model.encode(prompt) for prompt in prompts], model.pad_id, model.device)
    inputs = {
        "input_ids": ids,
        "attention_mask": mask,
        "position_ids": positions_of(mask),
        "use_cache": False,
    }
    points = [HookPoint(layer, module) for layer in (range(model.num_layers) if layers is None else layers)]
    model.backend.observe(inputs, points, lambda point, found: observe(point.layer, found, mask))


def check_positions(model: Engine, prompts: Sequence[Prompt], positions: Sequence[int]) -> None:
    """Refuse prompts that have no token at a position; padding would be read there.

    Raises:
        ModelError: a prompt is too short.
    """
    for prompt in prompts:
        if len(model.encode(prompt)) < -min(positions):
            raise ModelError(
                f"prompt {prompt.id!r} has {len(model.encode(prompt))} tokens with its template, too few"
                f" for position {min(positions)}"
            )
