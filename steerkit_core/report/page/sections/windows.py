"""Between which strengths each layer steers."""

from __future__ import annotations

from steerkit_core.report.charts.figure import Figure, Panel
from steerkit_core.report.charts.windows import window_chart
from steerkit_core.report.content.record import RunRecord
from steerkit_core.report.content.windows import HEADINGS, window_families, window_row, windows_caption
from steerkit_core.report.page.sections.base import Section

MOST = 8
NOTE = "dot: tried; bar: window; arrowhead: nothing is known beyond; cross: texts break from here"


def section(run: RunRecord) -> Section | None:
    """None where no layer was tried with several strengths."""
    found = window_families(run.results)
    if not found:
        return None
    shown = list(found.items())[: run.limit(MOST)]
    drawn = [
        {
            "title": title,
            "chart": window_chart(title, entries),
            "rows": [window_row(one) for one in entries],
        }
        for title, entries in shown
    ]
    values = {
        "headings": HEADINGS,
        "caption": windows_caption(run.results),
        "drawn": drawn,
        "left_out": len(found) - len(shown),
    }
    return Section("windows", "Multiplier windows", values)


def figures(run: RunRecord) -> list[Figure]:
    """Those of a page of this run alone."""
    found = list(window_families(run.results).items())[:MOST]
    return [
        Figure(title, [Panel(window_chart(title, entries))], note=NOTE, across=1)
        for title, entries in found
    ]
