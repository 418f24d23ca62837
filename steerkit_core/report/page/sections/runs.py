"""Several runs side by side: their chosen cells, and how these differ."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from attrs import frozen

from steerkit_core.counting.comparison import REFUSAL, PairedTest
from steerkit_core.report.content.arms import ArmComparison, compare_arms, make_arm
from steerkit_core.report.content.evidence import p_value
from steerkit_core.report.content.percent import in_points, points_interval
from steerkit_core.report.content.record import RunRecord
from steerkit_core.report.page.sections.base import Section
from steerkit_core.report.page.sections.cells import columns
from steerkit_core.report.page.sections.result import headline
from steerkit_core.stats import holm

HEADINGS = ("n", "diff.", "95% CI", "h", "only one", "test", "p", "Holm")


def section(records: Sequence[RunRecord]) -> Section:
    """The selected cell of each run, and every pair of them."""
    shown = [
        {
            "name": run.name,
            "folder": str(run.folder),
            "anchor": run.prefix.removesuffix("-"),
            "sentence": headline(run),
            "cell": None if run.chosen is None else columns(run, [run.chosen]).rows[0],
            "model": "" if run.chosen is None else run.chosen.model,
        }
        for run in records
    ]
    found = differences(records)
    values = {
        "runs": shown,
        "headings": HEADINGS,
        "rows": [_row(one) for one in found],
        "notes": _notes(found),
    }
    return Section("runs", "Side by side", values)


@frozen
class Difference:
    """The selected cells of two runs compared; `p_holm` is adjusted for all pairs."""

    pair: tuple[int, int]
    found: ArmComparison
    p_holm: float


def differences(records: Sequence[RunRecord]) -> list[Difference]:
    """The selected cells of all pairs of runs compared, as `steerkit compare` does; one family for Holm."""
    arms = [
        (number, make_arm(run, run.chosen.id, REFUSAL))
        for number, run in enumerate(records, start=1)
        if run.chosen is not None and REFUSAL in run.chosen.counts
    ]
    pairs = [
        ((one, other), compare_arms(first, second, REFUSAL))
        for (one, first), (other, second) in combinations(arms, 2)
    ]
    adjusted = holm([found.test.p for _, found in pairs])
    return [Difference(pair, found, p) for (pair, found), p in zip(pairs, adjusted, strict=True)]


def _row(one: Difference) -> tuple[str, tuple[str, ...]]:
    found, test, (first, second) = one.found, one.found.test, one.pair
    paired = test if isinstance(test, PairedTest) else None
    return f"run {first} - run {second}", (
        f"{found.first.rate.n}, {found.second.rate.n}" if paired is None else f"{paired.n}",
        in_points(test.difference.value),
        points_interval(test.difference),
        f"{test.cohens_h:+.2f}",
        "" if paired is None else f"{paired.first_only}, {paired.second_only}",
        {"mcnemar": "McNemar", "fisher": "Fisher", "sign-flip": "sign-flip"}[test.test],
        p_value(test.p),
        p_value(one.p_holm),
    )


def _notes(found: Sequence[Difference]) -> list[str]:
    return list(dict.fromkeys(note for one in found for note in one.found.notes))
