"""Rates by model size, with the test for a trend."""

from __future__ import annotations

from steerkit_core.report.content.record import RunRecord
from steerkit_core.report.content.trends import HEADINGS, trend_line, trend_rows, trend_title
from steerkit_core.report.page.sections.base import Section

MOST = 40


def section(run: RunRecord) -> Section | None:
    """None where no architecture was run in several sizes."""
    found = run.results.trends
    if not found:
        return None
    most = run.limit(MOST)
    tables = [(trend_title(entry), trend_rows(entry), trend_line(entry)) for entry in found[:most]]
    values = {"headings": HEADINGS, "tables": tables, "left_out": max(len(found) - most, 0)}
    return Section("trends", "Model size", values)
