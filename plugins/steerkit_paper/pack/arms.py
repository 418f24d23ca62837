"""What a claim is tried on, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from attrs import field, frozen

from steerkit_paper.pack.figures import Figure
from steerkit_paper.pack.mapping import Trial

Outcome = Literal["holds", "does not hold", "open", "no numbers"]
ALPHA = 0.05


@frozen(kw_only=True)
class Arm:
    """A number that a claim is about, and the row that it stands in.

    `ties` belong to a layer, as depths; `width` to a cosine, the number of components of the directions;
    `texts` to a rate of ours, what was written for each prompt.
    """

    row: str
    figure: Figure
    ties: tuple[float, ...] = ()
    width: int | None = None
    texts: Mapping[str, str] = field(factory=dict, repr=False)


@frozen(kw_only=True)
class Finding:
    """What a test says, and the numbers that it rests on."""

    outcome: Outcome
    numbers: str


def all_of(claim: Trial, arms: Mapping[str, Arm]) -> list[Arm] | None:
    """The numbers of all cells of a claim; None where one is missing."""
    found = [arms[name] for name in claim.about if name in arms]
    return found if len(found) == len(claim.about) else None


def missing() -> Finding:
    """That a claim could not be tried."""
    return Finding(outcome="no numbers", numbers="")
