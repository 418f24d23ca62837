"""A number of either side with what is known of its precision."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from steerkit_core import Estimate, PairedCounts, newcombe, newcombe_paired, wilson
from steerkit_paper.records import Cell, Paper

RATES = frozenset({"refusal", "garbled", "normal", "transferred", "own"})


@frozen(kw_only=True)
class Figure:
    """One number: a rate with its counts by unique prompt, a layer with its relative depth, or another.

    `low` and `high` are the ends of its 95 percent interval, None where it has none. `hits` says of each
    prompt whether it counts, so that two rates on the same prompts can be paired.
    """

    value: float
    k: int | None = None
    n: int | None = None
    low: float | None = None
    high: float | None = None
    depth: float | None = None
    hits: Mapping[str, str] = field(factory=dict, repr=False)

    @property
    def counts(self) -> tuple[int, int] | None:
        """`(k, n)` of a rate that has them."""
        return None if self.k is None or self.n is None else (self.k, self.n)


def rate(k: int, n: int, hits: Mapping[str, str] | None = None) -> Figure:
    """`k` of `n` with Wilson's interval."""
    found = wilson(k, n)
    return Figure(value=found.rate, k=k, n=n, low=found.low, high=found.high, hits=hits or {})


def printed_figure(paper: Paper, cell: Cell, quantity: str) -> Figure | None:
    """What the paper prints in a cell, repeats of a prompt as one observation; None for a word alone."""
    if quantity == "layer":
        if cell.layer is None or cell.depth is None:
            return None
        return Figure(value=float(cell.layer), depth=cell.depth / 100)
    if cell.k is not None and cell.n is not None:
        return rate(*paper.by_prompt(cell.k, cell.n))
    if cell.value is None:
        return None
    if quantity == "prompts":
        return Figure(value=float(paper.unique(int(cell.value))))
    return Figure(value=cell.value / 100 if quantity in RATES else cell.value)


def difference(first: Figure, second: Figure) -> Estimate | None:
    """First less second with Newcombe's interval, paired where both were counted on the same prompts.

    None where either has no counts.
    """
    if first.hits and first.hits.keys() == second.hits.keys():
        return newcombe_paired(PairedCounts.of(first.hits, second.hits, "yes"))
    if first.counts is None or second.counts is None:
        return None
    return newcombe(*first.counts, *second.counts)


def points(found: Estimate) -> str:
    """A difference of rates in percentage points, with its interval."""
    return f"{100 * found.value:+.0f} ({100 * found.low:.0f} to {100 * found.high:.0f})"
