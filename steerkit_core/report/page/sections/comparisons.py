"""The chosen cells against their baselines and controls."""

from __future__ import annotations

from steerkit_core.report.content.evidence import HEADINGS, comparison_rows, only_one, test
from steerkit_core.report.content.record import RunRecord
from steerkit_core.report.page.sections.base import Section

MOST = 200


def section(run: RunRecord) -> Section | None:
    """None where nothing was compared."""
    rows = comparison_rows(run.results, ("baseline",))
    if not rows:
        return None
    controls = comparison_rows(run.results, ("control",))
    most = run.limit(MOST)
    values = {
        "headings": HEADINGS,
        "rows": rows[:most],
        "controls": controls[:most],
        "left_out": max(len(rows) - most, 0) + max(len(controls) - most, 0),
        "number": len(run.results.comparisons),
        "only_one": only_one(run.results),
        "test": test(run.results),
    }
    return Section("comparisons", "Compared on the same prompts", values)
