"""Several runs side by side: their chosen cells, and how these differ."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

from steerkit_core.counting.comparison import REFUSAL
from steerkit_core.report.content.arms import compare_arms, make_arm
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
            "model": "" if run.chosen is None else run.chosen["model"],
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


def differences(records: Sequence[RunRecord]) -> list[dict[str, Any]]:
    """The selected cells of all pairs of runs compared, as `steerkit compare` does; one family for Holm."""
    arms = []
    for number, run in enumerate(records, start=1):
        cell = run.chosen
        if cell is not None and REFUSAL in cell["counts"]:
            arms.append((number, make_arm(run, cell["id"], REFUSAL)))
    pairs = [
        {"pair": (one, other), **compare_arms(first, second, REFUSAL)}
        for (one, first), (other, second) in combinations(arms, 2)
    ]
    adjusted = holm([pair["p"] for pair in pairs])
    return [{**pair, "p_holm": p} for pair, p in zip(pairs, adjusted, strict=True)]


def _row(found: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    gap = found["difference"]
    first, second = found["pair"]
    sizes = (
        f"{found['n']}"
        if found["paired"]
        else f"{found['first']['rate']['n']}, {found['second']['rate']['n']}"
    )
    return f"run {first} - run {second}", (
        sizes,
        in_points(gap["value"]),
        points_interval(gap),
        f"{found['cohens_h']:+.2f}",
        f"{found['first_only']}, {found['second_only']}" if found["paired"] else "",
        {"mcnemar": "McNemar", "fisher": "Fisher", "sign-flip": "sign-flip"}[found["test"]],
        p_value(found["p"]),
        p_value(found["p_holm"]),
    )


def _notes(found: Sequence[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(note for one in found for note in one["notes"]))
