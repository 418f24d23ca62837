"""What the paper does not print and its counts allow: paired tests, trends, corrections for many tests."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from attrs import frozen

from steerkit_core import SteerkitError, cochran_armitage, cohens_h, fisher, holm, newcombe
from steerkit_paper import measures
from steerkit_paper.audit.recompute import Arms
from steerkit_paper.records import Paper, Supplement


@frozen(kw_only=True)
class Addition:
    """One figure of ours; `values` by name, with the repeats of a prompt as one observation."""

    id: str
    table: str
    what: str
    counts: tuple[tuple[int, int], ...]
    values: dict[str, float]
    note: str = ""


Counts = Sequence[tuple[int, int]]


def add_supplements(paper: Paper, tables: Collection[str]) -> Iterator[Addition]:
    """Every supplement of some tables."""
    for entry in paper.supplements:
        if entry.table in tables:
            cells = tuple(paper.cells[name] for name in entry.about)
            counts = tuple(Arms(paper, cells, {}, by_prompt=True).counts())
            if entry.measure not in SUPPLEMENTS:
                known = ", ".join(SUPPLEMENTS)
                raise SteerkitError(f"{entry.id}: no measure {entry.measure!r} (known: {known})")
            values = SUPPLEMENTS[entry.measure](counts, entry)
            yield Addition(
                id=entry.id,
                table=entry.table,
                what=entry.what,
                counts=counts,
                values=values,
                note=entry.note,
            )


def _two_rates(counts: Counts, _: Supplement) -> dict[str, float]:
    """Two rates: their difference with Newcombe's interval, Fisher, and McNemar's bounds."""
    (k1, n1), (k2, n2) = counts
    difference = newcombe(k1, n1, k2, n2)
    found = {
        "difference": difference.value,
        "low": difference.low,
        "high": difference.high,
        "Cohen's h": abs(cohens_h(k1 / n1, k2 / n2)),
        "Fisher p": fisher(k1, n1, k2, n2),
    }
    if n1 == n2:
        least, most = measures.mcnemar_bounds(k1, k2, n1)
        found |= {"McNemar p, least": least, "McNemar p, most": most}
    return found


def _trend(counts: Counts, entry: Supplement) -> dict[str, float]:
    hits, sizes = zip(*counts, strict=True)
    return {"Cochran-Armitage p": cochran_armitage(hits, sizes, entry.scores).p}


def _family(counts: Counts, _: Supplement) -> dict[str, float]:
    """Tests of consecutive pairs of cells, corrected for their number."""
    pairs = list(zip(counts[::2], counts[1::2], strict=True))
    plain = [fisher(*first, *second) for first, second in pairs]
    corrected, strict = holm(plain), measures.bonferroni(plain)
    found: dict[str, float] = {}
    for number, values in enumerate(zip(plain, corrected, strict, strict=True), 1):
        names = (f"{number}: Fisher p", f"{number}: Holm", f"{number}: Bonferroni")
        found |= dict(zip(names, values, strict=True))
    return found


def _rest(counts: Counts, _: Supplement) -> dict[str, float]:
    """A rate on the first prompts beside the rate on those that were added to them."""
    (k1, n1), (k2, n2) = counts
    return {
        "of the first": k1 / n1,
        "of the others": (k2 - k1) / (n2 - n1),
        "Fisher p": fisher(k1, n1, k2 - k1, n2 - n1),
    }


SUPPLEMENTS: dict[str, Callable[[Counts, Supplement], dict[str, float]]] = {
    "two rates": _two_rates,
    "trend": _trend,
    "family": _family,
    "rest": _rest,
}
