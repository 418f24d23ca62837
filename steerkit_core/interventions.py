"""The edit algebra: interventions of many rows, compiled to one set of tensors per place.

Every linear intervention is `h <- h + a - g (h . u) u` on one row at one place: the residual stream after a
block, or what the block's attention, MLP or heads give. Rows of different places, multipliers, directions
and sites share a batch; a row with a = 0 and g = 0 is unsteered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

import torch
from attrs import define, frozen
from torch import Tensor

from steerkit_core.errors import ModelError
from steerkit_core.values import BLOCK_MODULES, BlockModule, Edit, Intervention

Phase = Literal["prompt", "generated"]


class Place(NamedTuple):
    """Where a tensor is read or edited: what one module of one block gives."""

    layer: int
    module: BlockModule = "residual"

    @property
    def before(self) -> bool:
        """Whether it is what its module is given, and not what it gives."""
        return self.module in ("input", "heads")

    @property
    def order(self) -> tuple[int, int]:
        """Sorts places as a forward pass reaches them."""
        return self.layer, BLOCK_MODULES.index(self.module)


@frozen(eq=False)
class LayerEdit:
    """The edits of a batch at one place.

    `add` and `unit` have shape (rows, 1, width), `gain` (rows, 1, 1); None where no row has any.
    """

    add: Tensor | None
    unit: Tensor | None
    gain: Tensor | None

    def select(self, rows: Tensor) -> LayerEdit:
        """The edits of some rows, by index."""
        return LayerEdit(
            *(
                part if part is None else part.index_select(0, rows)
                for part in (self.add, self.unit, self.gain)
            )
        )


def compile_edits(
    interventions: Sequence[Intervention],
    phase: Phase,
    *,
    width: Callable[[BlockModule], int],
    dtype: torch.dtype,
    device: torch.device,
) -> dict[Place, LayerEdit]:
    """One `LayerEdit` for every place at which any row is edited in this phase, as a pass reaches them.

    `phase` tells whether the tokens about to be computed belong to the prompts or were generated; an
    intervention whose token span leaves the phase out contributes zeros. Edits of one row at one place add
    up; two projections at one place have no common form and are refused. `width` says how wide what a
    module gives is.

    Raises:
        ModelError: a vector of another width.
        ValueError: a row has two projections at one place.
    """
    parts: dict[Place, _Parts] = {}
    for row, intervention in enumerate(interventions):
        if intervention.tokens in ("all", phase):
            for edit in intervention.edits:
                place = Place(edit.layer, edit.module)
                wide = width(edit.module)
                check_width(edit, wide)
                part = parts.setdefault(place, _Parts(len(interventions), wide, dtype, device))
                part.put(row, edit)
    return {place: parts[place].done() for place in sorted(parts, key=lambda place: place.order)}


def check_width(edit: Edit, width: int) -> None:
    """Raise `ModelError` for a vector that does not fit what the edit's module gives."""
    known = "the model's hidden size" if edit.module != "heads" else "that of all heads side by side"
    for vector in (edit.add, edit.unit):
        if vector is not None and vector.shape != (width,):
            raise ModelError(
                f"an edit at layer {edit.layer} ({edit.module}) has a vector of shape"
                f" {tuple(vector.shape)}, expected ({width},), {known}"
            )


@define(eq=False)
class _Parts:
    """The tensors of one place while they are filled; those that no row needs are never made."""

    rows: int
    width: int
    dtype: torch.dtype
    device: torch.device
    add: Tensor | None = None
    unit: Tensor | None = None
    gain: Tensor | None = None

    def put(self, row: int, edit: Edit) -> None:
        if edit.add is not None:
            if self.add is None:
                self.add = torch.zeros(self.rows, 1, self.width, dtype=self.dtype, device=self.device)
            self.add[row, 0] += edit.add.to(self.device, self.dtype)
        if edit.unit is not None and edit.gain != 0.0:
            if self.unit is None or self.gain is None:
                self.unit = torch.zeros(self.rows, 1, self.width, device=self.device)
                self.gain = torch.zeros(self.rows, 1, 1, device=self.device)
            if self.gain[row, 0, 0] != 0.0:
                raise ValueError(f"two projections of one row at layer {edit.layer} ({edit.module})")
            self.unit[row, 0] = edit.unit.to(self.device, torch.float32)
            self.gain[row, 0, 0] = edit.gain

    def done(self) -> LayerEdit:
        return LayerEdit(self.add, self.unit, self.gain)


def select_rows(edits: Mapping[Place, LayerEdit], rows: Tensor) -> dict[Place, LayerEdit]:
    """The edits of some rows of a batch, at every place."""
    return {place: edit.select(rows) for place, edit in edits.items()}


def apply_edit(residual: Tensor, edit: LayerEdit) -> Tensor:
    """`h + a - g (h . u) u` for `residual`, or what another module gives, of shape (rows, tokens, width).

    The projection is taken in float32, whatever the residual stream's type: in half precision the sum
    over a few thousand products would lose most of its digits.
    """
    edited = residual
    if edit.unit is not None and edit.gain is not None:
        along = (residual.float() * edit.unit).sum(dim=-1, keepdim=True)
        edited = edited - (edit.gain * along * edit.unit).to(residual.dtype)
    if edit.add is not None:
        edited = edited + edit.add
    return edited
