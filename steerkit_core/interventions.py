"""The edit algebra: interventions of many rows, compiled to one set of tensors per layer.

Every linear intervention is `h <- h + a - g (h . u) u` on the residual stream of one row at one layer. Rows
of different layers, multipliers, directions and sites share a batch; a row with a = 0 and g = 0 is
unsteered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from attrs import define, frozen
from torch import Tensor

from steerkit_core.values import Edit, Intervention

Phase = Literal["prompt", "generated"]


@frozen(eq=False)
class LayerEdit:
    """The edits of a batch at one layer.

    `add` and `unit` have shape (rows, 1, hidden), `gain` (rows, 1, 1); None where no row has any.
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
    hidden: int,
    dtype: torch.dtype,
    device: torch.device,
) -> dict[int, LayerEdit]:
    """One `LayerEdit` for every layer at which any row is edited in this phase.

    `phase` tells whether the tokens about to be computed belong to the prompts or were generated; an
    intervention whose token span leaves the phase out contributes zeros. Edits of one row at one layer add
    up; two projections at one layer have no common form and are refused.

    Raises:
        ValueError: a row has two projections at one layer, or a vector of another width.
    """
    parts: dict[int, _Parts] = {}
    for row, intervention in enumerate(interventions):
        if intervention.tokens in ("all", phase):
            for edit in intervention.edits:
                check_width(edit, hidden)
                part = parts.setdefault(edit.layer, _Parts(len(interventions), hidden, dtype, device))
                part.put(row, edit)
    return {layer: part.done() for layer, part in sorted(parts.items())}


def check_width(edit: Edit, hidden: int) -> None:
    """Raise `ValueError` for a vector that does not fit the model's residual stream."""
    for vector in (edit.add, edit.unit):
        if vector is not None and vector.shape != (hidden,):
            raise ValueError(
                f"an edit at layer {edit.layer} has a vector of shape {tuple(vector.shape)}, expected"
                f" ({hidden},), the model's hidden size"
            )


@define(eq=False)
class _Parts:
    """The tensors of one layer while they are filled; those that no row needs are never made."""

    rows: int
    hidden: int
    dtype: torch.dtype
    device: torch.device
    add: Tensor | None = None
    unit: Tensor | None = None
    gain: Tensor | None = None

    def put(self, row: int, edit: Edit) -> None:
        if edit.add is not None:
            if self.add is None:
                self.add = torch.zeros(self.rows, 1, self.hidden, dtype=self.dtype, device=self.device)
            self.add[row, 0] += edit.add.to(self.device, self.dtype)
        if edit.unit is not None and edit.gain != 0.0:
            if self.unit is None or self.gain is None:
                self.unit = torch.zeros(self.rows, 1, self.hidden, device=self.device)
                self.gain = torch.zeros(self.rows, 1, 1, device=self.device)
            if self.gain[row, 0, 0] != 0.0:
                raise ValueError(f"two projections of one row at layer {edit.layer}")
            self.unit[row, 0] = edit.unit.to(self.device, torch.float32)
            self.gain[row, 0, 0] = edit.gain

    def done(self) -> LayerEdit:
        return LayerEdit(self.add, self.unit, self.gain)


def select_rows(edits: Mapping[int, LayerEdit], rows: Tensor) -> dict[int, LayerEdit]:
    """The edits of some rows of a batch, at every layer."""
    return {layer: edit.select(rows) for layer, edit in edits.items()}


def apply_edit(residual: Tensor, edit: LayerEdit) -> Tensor:
    """`h + a - g (h . u) u` for `residual` of shape (rows, tokens, hidden).

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
