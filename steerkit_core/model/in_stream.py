"""Directions of single heads, as they look in the residual stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from steerkit_core.generation.batch_edits import check_width
from steerkit_core.generation.edits import HookPoint
from steerkit_core.values import DirectionSet, Edit

if TYPE_CHECKING:
    from steerkit_core.model.engine import Engine


@torch.inference_mode()
def in_stream(model: Engine, directions: DirectionSet) -> DirectionSet:
    """See `Model.in_stream`.

    Directions of heads become what each block's output projection makes of them, which is what attention
    gives more when they are added to the heads. All others are in that space already.
    """
    if directions.module != "heads":
        return directions
    raw = []
    for column, layer in enumerate(directions.layers):
        heads = directions.units[:, column].to(model.device, model.stream_dtype)
        check_width(Edit(layer, add=heads[0], module="heads"), model.heads.width)
        project = model.backend.target(HookPoint(layer, "heads"))
        # a projection may have a bias, which nobody adds
        wide = (project(heads) - project(torch.zeros_like(heads))).double().cpu()
        raw.append(wide * directions.raw_norms[:, column, None].double())
    return DirectionSet.from_raw(
        torch.stack(raw, dim=1), directions.positions, directions.layers, "attention"
    )
