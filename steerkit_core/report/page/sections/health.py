"""Numeric health: the residual stream block by block, and what failed."""

from __future__ import annotations

from steerkit_core.report.charts.lines import Line, Point, line_chart
from steerkit_core.report.charts.picture import Picture
from steerkit_core.report.content.numbers import name_of
from steerkit_core.report.content.record import RunRecord
from steerkit_core.report.page.sections.base import Section
from steerkit_core.results.findings import StreamResult

MOST = 24


def section(run: RunRecord) -> Section | None:
    """None for a run that did not measure it."""
    entries = run.results.health
    if not entries:
        return None
    shown = [
        {"name": name_of(entry, entries, ("prompts",)), "entry": entry, "chart": chart(entry)}
        for entry in entries[: run.limit(MOST)]
    ]
    return Section("health", "Numeric health", {"shown": shown, "left_out": len(entries) - len(shown)})


def chart(entry: StreamResult) -> Picture | None:
    """Mean length of each block's output; None where nothing is a number."""
    points = [
        Point(layer, mean, hint=f"layer {layer}: {mean:.4g}")
        for layer, mean in enumerate(entry.norm_mean)
        if mean is not None
    ]
    if not points:
        return None
    title = f"Mean length of the residual stream by layer: {entry.model}"
    return line_chart(title, [Line("", points)], x="layer", y="mean length", size=(480, 200))
