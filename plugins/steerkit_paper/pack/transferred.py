"""Our numbers of a transfer: both rates, their ratio, and how alike the directions are."""

from __future__ import annotations

from steerkit_core import TransferResult
from steerkit_paper.measures import ratio_interval
from steerkit_paper.pack.answer import Answer, of_cell, of_transfer
from steerkit_paper.pack.cells import NoAnswer, Question, rate_of
from steerkit_paper.pack.figures import Figure


def transferred(question: Question) -> Answer:
    """The rate of refusals with the source's direction."""
    return _arm(question, _transfer(question).cell)


def own(question: Question) -> Answer:
    """The rate of refusals with the target's own direction, beside the transferred one."""
    return _arm(question, _transfer(question).own_cell)


def _arm(question: Question, name: str) -> Answer:
    run = question.asked
    cell = run.results.by_id[name]
    return of_cell(run, cell, rate_of(run, cell, "refusal"))


def efficiency(question: Question) -> Answer:
    """The one rate by the other, with the bootstrap's interval, or else that of two independent rates."""
    run, entry = question.asked, _transfer(question)
    found = entry.efficiency
    if found.value is None:
        raise NoAnswer("TE is not defined: with its own direction the target never refuses")
    if entry.own.rate < question.column.least:
        own = f"{entry.own.k}/{entry.own.n}"
        raise NoAnswer(f"TE divides by the target's own rate, and that is {own}")
    counts = [(arm.k, arm.n) for arm in (entry.transferred, entry.own)]
    arms = " by ".join(f"{k}/{n}" for k, n in counts)
    if found.degenerate:  # every resample gave the same number: that is no interval
        low, high = ratio_interval(*counts[0], *counts[1])
        arms += ", interval from the counts alone"
    else:
        low, high = (float(end) for end in (found.low, found.high) if end is not None)
    return of_transfer(run, entry, Figure(value=found.value, low=low, high=high), arms)


def cosine_across(question: Question) -> Answer:
    """Of the two directions, at the target's layer."""
    run, entry = question.asked, _transfer(question)
    if entry.cosine is None:
        raise NoAnswer("the directions have different widths")
    return of_transfer(run, entry, Figure(value=entry.cosine))


def _transfer(question: Question) -> TransferResult:
    place = question.place
    for entry in question.asked.results.transfers:
        if (entry.source, entry.target, entry.map) == (place.source, place.model, "none"):
            return entry
    raise NoAnswer(f"the run has no transfer from {place.source}")
