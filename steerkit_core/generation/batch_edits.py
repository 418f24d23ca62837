"""The edits of a batch: the interventions of its rows, compiled to one set of tensors per hook point."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

import torch
from attrs import define, field
from torch import Tensor

from steerkit_core.errors import ModelError
from steerkit_core.generation.edits import HookPoint, LayerEdit
from steerkit_core.values import BlockModule, Edit, Intervention

if TYPE_CHECKING:
    from steerkit_core.generation.decoder import Decoder

Phase = Literal["prompt", "generated"]
EVERY_TOKEN = 2**31
RIGHT_ANGLE = 1e-4  # how far from 0 rounding may leave the cosine of two units


def edits_of_batch(
    model: Decoder, interventions: Sequence[Intervention], phase: Phase
) -> dict[HookPoint, LayerEdit]:
    """The edits of a batch, row by row, while `model` reads the prompts or while it writes.

    Raises:
        ModelError: an edit does not fit the model, or there is no such span of tokens in its prompts.
    """
    return compile_edits(
        interventions,
        phase,
        width=model.width,
        dtype=model.stream_dtype,
        device=model.device,
        suffix=model.suffix_to_edit,
    )


def compile_edits(
    interventions: Sequence[Intervention],
    phase: Phase,
    *,
    width: Callable[[BlockModule], int],
    dtype: torch.dtype,
    device: torch.device,
    suffix: Callable[[], int] | None = None,
) -> dict[HookPoint, LayerEdit]:
    """One `LayerEdit` for every hook point where a row is edited in this phase, as a pass reaches them.

    `phase` tells whether the tokens about to be computed belong to the prompts or were generated; an
    intervention whose token span leaves the phase out contributes zeros. Edits of one row at one hook point
    add up; two projections that are not orthogonal have no common form there and are refused.
    `width` says how wide what a module gives is, `suffix` how many tokens the template puts after the
    user's text; it is asked only where a token span depends on it.

    Raises:
        ModelError: a vector of another width.
        ValueError: a row has two projections at one hook point that are not at right angles.
    """
    parts: dict[HookPoint, _Parts] = {}
    for row, intervention in enumerate(interventions):
        trailing = _trailing(intervention, phase, suffix) if intervention.edits else 0
        if trailing == 0:
            continue
        for edit in intervention.edits:
            point = HookPoint(edit.layer, edit.module)
            wide = width(edit.module)
            check_width(edit, wide)
            part = parts.setdefault(point, _Parts(len(interventions), wide, dtype, device))
            part.put(row, edit, trailing)
    return {point: parts[point].done() for point in sorted(parts, key=lambda point: point.order)}


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
    """The tensors of one hook point while they are filled; those that no row needs are never made."""

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
