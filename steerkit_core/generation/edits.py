"""The edit algebra: interventions of many rows, compiled to one set of tensors per place.

Every linear intervention is `h <- h + a - g (h . u) u` on one row at one place: the residual stream after a
block, or what the block's attention, MLP or heads give. Rows of different places, multipliers, directions
and sites share a batch; a row with a = 0 and g = 0 is unsteered. Several projections of one row at one
place are taken one after the other, and are at right angles, so that their order does not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

import torch
from attrs import define, field, frozen
from torch import Tensor

from steerkit_core.errors import ModelError
from steerkit_core.values import BLOCK_MODULES, BlockModule, Edit, Intervention

Phase = Literal["prompt", "generated"]
EVERY_TOKEN = 2**31
RIGHT_ANGLE = 1e-4  # how far from 0 rounding may leave the cosine of two units


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


def compile_edits(
    interventions: Sequence[Intervention],
    phase: Phase,
    *,
    width: Callable[[BlockModule], int],
    dtype: torch.dtype,
    device: torch.device,
    suffix: Callable[[], int] | None = None,
) -> dict[Place, LayerEdit]:
    """One `LayerEdit` for every place at which any row is edited in this phase, as a pass reaches them.

    `phase` tells whether the tokens about to be computed belong to the prompts or were generated; an
    intervention whose token span leaves the phase out contributes zeros. Edits of one row at one place add
    up; two projections at one place that are not at right angles have no common form and are refused.
    `width` says how wide what a module gives is, `suffix` how many tokens the template puts after the
    user's text; it is asked only where a token span depends on it.

    Raises:
        ModelError: a vector of another width.
        ValueError: a row has two projections at one place that are not at right angles.
    """
    parts: dict[Place, _Parts] = {}
    for row, intervention in enumerate(interventions):
        trailing = _trailing(intervention, phase, suffix) if intervention.edits else 0
        if trailing == 0:
            continue
        for edit in intervention.edits:
            place = Place(edit.layer, edit.module)
            wide = width(edit.module)
            check_width(edit, wide)
            part = parts.setdefault(place, _Parts(len(interventions), wide, dtype, device))
            part.put(row, edit, trailing)
    return {place: parts[place].done() for place in sorted(parts, key=lambda place: place.order)}


def _trailing(intervention: Intervention, phase: Phase, suffix: Callable[[], int] | None) -> int | None:
    """How many of a phase's tokens are edited, counted from the last; None for all of them."""
    span = intervention.tokens
    if phase == "generated":
        return None if span in ("all", "generated", "answer") else 0
    if span in ("last", "answer"):
        return 1
    if span == "suffix":
        if suffix is None:
            raise ValueError("token span 'suffix' needs to know how long the template's suffix is")
        return suffix()
    return None if span in ("all", "prompt") else 0


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
    trailing: Tensor | None = None
    keep: Tensor | None = None
    _projections: dict[int, list[Edit]] = field(factory=dict)

    def put(self, row: int, edit: Edit, trailing: int | None) -> None:
        if trailing is not None:
            if self.trailing is None:
                self.trailing = torch.full((self.rows, 1, 1), EVERY_TOKEN, device=self.device)
            self.trailing[row] = trailing
        if edit.preserve_norm:
            if self.keep is None:
                self.keep = torch.zeros(self.rows, 1, 1, dtype=torch.bool, device=self.device)
            self.keep[row] = True
        if edit.add is not None:
            if self.add is None:
                self.add = torch.zeros(self.rows, 1, self.width, dtype=self.dtype, device=self.device)
            self.add[row, 0] += edit.add.to(self.device, self.dtype)
        if edit.unit is not None and edit.gain != 0.0:
            others = self._projections.setdefault(row, [])
            if any(
                abs(float(one.unit @ edit.unit)) > RIGHT_ANGLE for one in others if one.unit is not None
            ):
                raise ValueError(
                    f"two projections of one row at layer {edit.layer} ({edit.module}) that are not at"
                    " right angles"
                )
            others.append(edit)

    def done(self) -> LayerEdit:
        return LayerEdit(self.add, *self._projected(), self.trailing, self.keep)

    def _projected(self) -> tuple[Tensor | None, Tensor | None]:
        most = max(map(len, self._projections.values()), default=0)
        if not most:
            return None, None
        unit = torch.zeros(self.rows, most, self.width, device=self.device)
        gain = torch.zeros(self.rows, most, 1, device=self.device)
        for row, edits in self._projections.items():
            for number, edit in enumerate(edits):
                assert edit.unit is not None, "none is put without"
                unit[row, number] = edit.unit.to(self.device, torch.float32)
                gain[row, number] = edit.gain
        return unit, gain


def select_rows(edits: Mapping[Place, LayerEdit], rows: Tensor) -> dict[Place, LayerEdit]:
    """The edits of some rows of a batch, at every place."""
    return {place: edit.select(rows) for place, edit in edits.items()}


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
