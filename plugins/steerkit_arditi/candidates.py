"""The candidates, what was measured of each, and which filter took it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from attrs import frozen

from steerkit_core import Probe

if TYPE_CHECKING:
    from torch import Tensor

    from steerkit_core import DirectionSet

# a length below this share of the usual one is rounding: both classes look the same there
ROUNDING = 1e-9


@frozen(eq=False)
class Candidate:
    """A direction with a length, at one position and layer."""

    position: int
    layer: int
    unit: Tensor
    length: float

    @property
    def added(self) -> Probe:
        """The direction as long as it was, at the input of its block alone."""
        return Probe(self.layer, add=(self.unit.double() * self.length).float())

    @property
    def ablated(self) -> Probe:
        """Taken away at the input of every block, and from what every attention and MLP gives."""
        return Probe(unit=self.unit, gain=1.0)


@frozen
class Measured:
    """The three scores at one position and layer; without them the direction was degenerate."""

    position: int
    layer: int
    bypass: float = math.nan
    induce: float = math.nan
    kl: float = math.nan
    degenerate: bool = False

    def excluded(self, layers: range, kl_threshold: float, induce_threshold: float) -> str:
        """Which filter takes it, the first of several; the empty string for one that is left."""
        if self.degenerate:
            return "degenerate"
        if any(math.isnan(number) for number in (self.bypass, self.induce, self.kl)):
            return "NaN"
        if self.layer not in layers:
            return "depth"
        if self.kl > kl_threshold:
            return "KL"
        return "induce" if self.induce < induce_threshold else ""

    def row(self, excluded: str) -> dict[str, object]:
        """What the run keeps; null stands for what is no number."""
        scores = {name: _known(getattr(self, name)) for name in ("bypass", "induce", "kl")}
        return {"position": self.position, "layer": self.layer, **scores, "excluded": excluded}


def find_candidates(directions: DirectionSet) -> tuple[list[Candidate], list[Measured]]:
    """Those that can be measured, and those that are degenerate."""
    import torch

    least = ROUNDING * usual_length(directions)
    usable, degenerate = [], []
    for row, position in enumerate(directions.positions):
        for column, layer in enumerate(directions.layers):
            unit, length = directions.units[row, column], float(directions.raw_norms[row, column])
            if math.isfinite(length) and length > least and bool(torch.isfinite(unit).all()):
                usable.append(Candidate(position, layer, unit, length))
            else:
                degenerate.append(Measured(position, layer, degenerate=True))
    return usable, degenerate


def usual_length(directions: DirectionSet) -> float:
    """A length that three quarters do not exceed, so that neither a huge one nor many of zero decide it."""
    lengths = sorted(filter(math.isfinite, directions.raw_norms.flatten().tolist()))
    return lengths[3 * len(lengths) // 4] if lengths else math.inf


def _known(number: float) -> float | None:
    return number if math.isfinite(number) else None
