"""The edit algebra: what a hook does with the tensor that it is given.

Every linear intervention is `h <- h + a - g (h . u) u` on one row at one hook point: the residual stream
after a block, or what the block's attention, MLP or heads give. Rows of different hook points, multipliers,
directions and sites share a batch; a row with a = 0 and g = 0 is the baseline. Several projections of one
row at one hook point are applied one after the other, and are orthogonal, so that their order does not
matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from attrs import frozen
from torch import Tensor

from steerkit_core.values import BLOCK_MODULES, BlockModule


class HookPoint(NamedTuple):
    """Where a tensor is read or edited: what one module of one block gives."""

    layer: int
    module: BlockModule = "residual"

    @property
    def before(self) -> bool:
        """Whether it is what its module is given, and not what it gives."""
        return self.module in ("input", "heads")

    @property
    def order(self) -> tuple[int, int]:
        """Sorts hook points as a forward pass reaches them."""
        return self.layer, BLOCK_MODULES.index(self.module)


@frozen(eq=False)
class LayerEdit:
    """The edits of a batch at one hook point.

    `add` has shape (rows, 1, width), `unit` (rows, projections, width) and `gain` (rows, projections, 1),
    with zeros for rows that have fewer projections. `trailing`, (rows, 1, 1), says of how
    many tokens, counted from the last, a row is edited; `keep`, (rows, 1, 1), which rows get their length
    back. Each is None where no row has any, `trailing` where all are edited at every token.
    """

    add: Tensor | None = None
    unit: Tensor | None = None
    gain: Tensor | None = None
    trailing: Tensor | None = None
    keep: Tensor | None = None

    @property
    def parts(self) -> tuple[Tensor | None, ...]:
        """The tensors, in the order of the fields."""
        return self.add, self.unit, self.gain, self.trailing, self.keep

    def select(self, rows: Tensor) -> LayerEdit:
        """The edits of some rows, by index."""
        return LayerEdit(*(part if part is None else part.index_select(0, rows) for part in self.parts))


def select_rows(edits: Mapping[HookPoint, LayerEdit], rows: Tensor) -> dict[HookPoint, LayerEdit]:
    """The edits of some rows of a batch, at every hook point."""
    return {point: edit.select(rows) for point, edit in edits.items()}


def apply_edit(residual: Tensor, edit: LayerEdit) -> Tensor:
    """`h + a - g (h . u) u`, u by u, for `residual`, or what another module gives, (rows, tokens, width).

    Projections and lengths are taken in float32, whatever the residual stream's type: in half precision
    the sum over a few thousand products would lose most of its digits. What a row's `trailing` leaves out
    keeps every bit.
    """
    edited = residual
    if edit.unit is not None and edit.gain is not None:
        for number in range(edit.unit.shape[-2]):
            unit, gain = (part[..., number : number + 1, :] for part in (edit.unit, edit.gain))
            along = (edited.float() * unit).sum(dim=-1, keepdim=True)
            edited = edited - (gain * along * unit).to(residual.dtype)
    if edit.add is not None:
        edited = edited + edit.add
    if edit.keep is not None:
        edited = torch.where(edit.keep, _as_long_as(residual, edited), edited)
    if edit.trailing is not None:
        edited = torch.where(trailing_mask(edit.trailing, residual.shape[1]), edited, residual)
    return edited


def trailing_mask(trailing: Tensor, tokens: int) -> Tensor:
    """Which of a batch's tokens are edited, (rows, tokens, 1), by the `trailing` of a `LayerEdit`."""
    from_the_end = torch.arange(tokens, 0, -1, device=trailing.device).view(1, -1, 1)
    return from_the_end <= trailing


def _as_long_as(before: Tensor, after: Tensor) -> Tensor:
    """`after` scaled to the lengths of `before`, vector by vector; one of length zero stays zero."""
    wide = after.float()
    lengths = wide.norm(dim=-1, keepdim=True)
    scale = before.float().norm(dim=-1, keepdim=True) / lengths.masked_fill(lengths == 0.0, 1.0)
    kept: Tensor = (wide * scale).to(after.dtype)
    return kept
