"""The candidates: a direction at each position and layer, how it is added and ablated, and its scores."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median_low
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from steerkit_core import Probe

if TYPE_CHECKING:
    from torch import Tensor

    from steerkit_core import DirectionSet

# a length below this share of the usual one is rounding: both classes look the same there
ROUNDING = 1e-9
FILTERS = ("degenerate", "NaN", "depth", "median", "KL")


@frozen(eq=False)
class Candidate:
    """A direction at one position and layer. `excluded` says which filter took it, if one did.

    `step` is what is added, of shape (hidden,); `anchor` what the affine form puts in place of what the
    projection takes away, None in the linear form.
    """

    position: int
    layer: int
    unit: Tensor
    step: Tensor
    anchor: Tensor | None
    excluded: str = ""
    s_refuse: float | None = None
    s_comply: float | None = None
    kl: float | None = None

    @property
    def score(self) -> float | None:
        """`S_refuse + S_comply`; None where one of them is not known."""
        return None if self.s_refuse is None or self.s_comply is None else self.s_refuse + self.s_comply

    def added(self) -> Probe:
        """At the input of its block alone: `v + d`, or `v - proj_d(v) + proj_d(mean harmless) + d`."""
        if self.anchor is None:
            return Probe(self.layer, add=self.step)
        return Probe(self.layer, add=self.anchor + self.step, unit=self.unit, gain=1.0)

    def ablated(self, *, everywhere: bool) -> Probe:
        """`v - proj_d(v)`, in the affine form `+ proj_d(mean harmless)`."""
        return Probe(None if everywhere else self.layer, add=self.anchor, unit=self.unit, gain=1.0)

    def row(self) -> dict[str, object]:
        """What the run keeps of it; null stands for what is not known."""
        return {
            "position": self.position,
            "layer": self.layer,
            "s_refuse": self.s_refuse,
            "s_comply": self.s_comply,
            "score": self.score,
            "kl": self.kl,
            "excluded": self.excluded,
        }


def find_candidates(
    directions: DirectionSet, *, scaled: bool, harmless: Tensor | None
) -> tuple[Candidate, ...]:
    """One candidate for each position and layer; those without a usable direction are `degenerate`.

    Args:
        directions: what the extractor found.
        scaled: whether a direction is added with the length that it had, else with length 1.
        harmless: means of the harmless prompts where the directions were read, (positions, all layers,
            hidden); None for the linear form.
    """
    import torch

    least = ROUNDING * usual_length(directions)
    found = []
    for row, position in enumerate(directions.positions):
        for column, layer in enumerate(directions.layers):
            unit, length = directions.units[row, column], float(directions.raw_norms[row, column])
            usable = math.isfinite(length) and length > least and bool(torch.isfinite(unit).all())
            wide = unit.double()
            anchor = None if harmless is None else (harmless[row, layer] @ wide) * wide
            candidate = Candidate(
                position=position,
                layer=layer,
                unit=unit,
                step=(wide * length if scaled else wide).float(),
                anchor=None if anchor is None else anchor.float(),
                excluded="" if usable else "degenerate",
            )
            found.append(candidate)
    return tuple(found)


def usual_length(directions: DirectionSet) -> float:
    """A length that three quarters do not exceed, so that neither a huge one nor many of zero decide it."""
    lengths = sorted(filter(math.isfinite, directions.raw_norms.flatten().tolist()))
    return lengths[3 * len(lengths) // 4] if lengths else math.inf


def excluded_by_place(candidates: Sequence[Candidate], layers: range) -> tuple[Candidate, ...]:
    """Exclude scores that are no numbers, layers outside of `layers`, and late layers at position -1.

    At position -1 a layer is late if it lies beyond both medians of the other positions' best layers, by
    S_refuse and by S_comply; of an even number of positions the lower median counts, as for the authors.
    The best layers are taken before any of the filters.
    """
    late = [_median_of_best(candidates, key) for key in ("s_refuse", "s_comply")]
    limit = max((one for one in late if one is not None), default=math.inf)

    def reason(one: Candidate) -> str:
        if one.excluded:
            return one.excluded
        if one.score is None:
            return "NaN"
        if one.layer not in layers:
            return "depth"
        return "median" if one.position == -1 and one.layer > limit else ""

    return tuple(evolve(one, excluded=reason(one)) for one in candidates)


def _median_of_best(candidates: Sequence[Candidate], key: str) -> int | None:
    best: dict[int, Candidate] = {}
    for one in candidates:
        value = getattr(one, key)
        if one.position == -1 or value is None:
            continue
        known = best.get(one.position)
        if known is None or value > getattr(known, key):
            best[one.position] = one
    return median_low(one.layer for one in best.values()) if best else None


def excluded_by_kl(one: Candidate, kl: float, threshold: float) -> Candidate:
    """Exclude what changes the answers to harmless prompts too much."""
    reason = "NaN" if math.isnan(kl) else "KL" if kl > threshold else ""
    return evolve(one, kl=kl if math.isfinite(kl) else None, excluded=reason)


def tally(candidates: Sequence[Candidate], words: Mapping[str, str]) -> str:
    """`8 by depth (layer 8 and later), 12 by KL (above 0.1)`: which filter took how many."""
    counts = {name: sum(one.excluded == name for one in candidates) for name in FILTERS}
    return ", ".join(f"{count} {words[name]}" for name, count in counts.items() if count)
