"""When two numbers agree: the rule by which every row gets its verdict, in words in `replication.toml`."""

from __future__ import annotations

from typing import Literal

from attrs import frozen

from steerkit_core import Estimate
from steerkit_paper.audit import decimals_of
from steerkit_paper.pack.answer import Answer
from steerkit_paper.pack.figures import Figure, difference, points
from steerkit_paper.pack.mapping import Column

Verdict = Literal["agrees", "differs", "not comparable"]


@frozen(kw_only=True)
class Judged:
    """A verdict, the reason for it, and the difference that it rests on, if it rests on one."""

    verdict: Verdict
    why: str
    difference: Estimate | None = None


def judge(printed: Figure | None, ours: Answer, column: Column, *, same: bool, text: str) -> Judged:
    """Hold our number against the printed one.

    Args:
        printed: the paper's, if it prints one.
        ours: ours.
        column: what is compared.
        same: whether our model is the paper's.
        text: what the paper prints.
    """
    if printed is None:
        why = f"the paper prints no number here, but {text!r}"
        return Judged(verdict="not comparable", why=why + (f"; {column.word}" if column.word else ""))
    if column.quantity == "layer":
        return _layer(ours, same=same)
    if printed.counts is not None and ours.figure.counts is not None:
        found = difference(ours.figure, printed)
        assert found is not None  # both have counts
        inside = found.low <= 0.0 <= found.high
        why = "no difference is shown" if inside else f"ours is {'higher' if found.value > 0 else 'lower'}"
        return Judged(verdict="agrees" if inside else "differs", why=why, difference=found)
    if ours.figure.counts is not None:
        return Judged(
            verdict="not comparable", why="the paper gives no n, and so there is nothing to test against"
        )
    if column.quantity == "efficiency":
        return _interval(printed, ours.figure, half=0.5 * 10.0 ** -decimals_of(text))
    return _distance(printed, ours.figure, column.within, same=same)


def _layer(ours: Answer, *, same: bool) -> Judged:
    if ours.layer is not None and ours.layer == ours.wanted:
        return Judged(verdict="agrees", why="the same layer" if same else "the same relative depth")
    if ours.there is None or ours.best is None:
        if same:
            return Judged(verdict="differs", why="another layer was chosen")
        if ours.alone:
            why = f"another relative depth was chosen: L{ours.layer}, and not L{ours.wanted}"
            return Judged(verdict="differs", why=why)
        return Judged(
            verdict="not comparable", why="our run did not try this depth, and our model is another"
        )
    found = difference(ours.there, ours.best)
    assert found is not None  # both are ours and have counts
    why = f"our rate at L{ours.wanted} is {ours.there.k}/{ours.there.n}, at L{ours.layer}"
    why += f" {ours.best.k}/{ours.best.n}"
    why += f": {points(found)} points"
    return Judged(verdict="differs" if found.high < 0.0 else "agrees", why=why)


def _interval(printed: Figure, ours: Figure, *, half: float) -> Judged:
    """`half` is half a unit of the last printed digit."""
    # a transfer efficiency has both
    assert ours.low is not None
    assert ours.high is not None
    inside = ours.low <= printed.value + half and printed.value - half <= ours.high
    why = f"our interval {'holds' if inside else 'leaves out'} the printed number"
    return Judged(verdict="agrees" if inside else "differs", why=why)


def _distance(printed: Figure, ours: Figure, within: float | None, *, same: bool) -> Judged:
    if not same or within is None:
        why = "a cosine has no interval, and another model has another one; see the claims"
        return Judged(verdict="not comparable", why=why)
    apart = abs(ours.value - printed.value)
    near = apart <= within
    why = f"{apart:.3f} apart, {'within' if near else 'more than'} {within:g}"
    return Judged(verdict="agrees" if near else "differs", why=why)
