"""The edit algebra: interventions of many rows, compiled to one set of tensors per layer.

Every linear intervention is `h <- h + a - g (h . u) u` on the residual stream of one row at one layer. Rows
of different layers, multipliers, directions and sites share a batch; a row with a = 0 and g = 0 is
unsteered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from attrs import frozen
from torch import Tensor

from steerkit_core.values import Intervention

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
    layers: dict[int, list[Tensor | None]] = {}
    rows = len(interventions)

    def part(layer: int, index: int, width: int, kind: torch.dtype) -> Tensor:
        parts = layers.setdefault(layer, [None, None, None])
        tensor = parts[index]
        if tensor is None:
            tensor = parts[index] = torch.zeros(rows, 1, width, dtype=kind, device=device)
        return tensor

    for row, intervention in enumerate(interventions):
        if intervention.tokens not in ("all", phase):
            continue
        for edit in intervention.edits:
            for vector in (edit.add, edit.unit):
                if vector is not None and vector.shape != (hidden,):
                    raise ValueError(
                        f"an edit at layer {edit.layer} has a vector of shape {tuple(vector.shape)},"
                        f" expected ({hidden},), the model's hidden size"
                    )
            if edit.add is not None:
                part(edit.layer, 0, hidden, dtype)[row, 0] += edit.add.to(device, dtype)
            if edit.unit is not None and edit.gain != 0.0:
                gain = part(edit.layer, 2, 1, torch.float32)
                if gain[row, 0, 0] != 0.0:
                    raise ValueError(f"two projections of one row at layer {edit.layer}")
                gain[row, 0, 0] = edit.gain
                part(edit.layer, 1, hidden, torch.float32)[row, 0] = edit.unit.to(device, torch.float32)
    return {layer: LayerEdit(*parts) for layer, parts in sorted(layers.items())}


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
