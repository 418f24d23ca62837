"""The curves of `steerkit stability` as files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from steerkit_core.extraction.stability import Curve, Kind, StabilityReport
from steerkit_core.report.charts.figure import Figure, Panel
from steerkit_core.report.charts.keys import level_key, ramp_key
from steerkit_core.report.charts.lines import Line, Point, line_chart
from steerkit_core.report.charts.palette import shade
from steerkit_core.report.charts.saving import numbered, save_figures
from steerkit_core.report.content.stability import TITLES, by_source

SIZE = (400, 300)


def draw_stability(report: StabilityReport, folder: Path) -> list[Path]:
    """Draw mean cosine over size, a panel for each kind and a line for each layer.

    One figure for each model, extractor, contrast set and position.
    """
    found = [
        stability_figure(heading, entries, report.threshold)
        for heading, entries in by_source(report.curves)
    ]
    return save_figures(numbered("stability", found), folder)


def stability_figure(heading: str, entries: Sequence[Curve], threshold: float) -> Figure:
    """The layers from dark to light; the threshold is dashed."""
    layers = [entry.layer for entry in entries]
    low, high = min(layers), max(layers)
    lines = {
        kind: [
            Line(f"layer {entry.layer}", points, shade((entry.layer - low) / max(high - low, 1)))
            for entry in entries
            if (points := _points(entry, kind))
        ]
        for kind in TITLES
        if kind in entries[0].reached
    }
    # all panels have one vertical axis
    means = [point.y for some in lines.values() for line in some for point in line.points]
    panels = [
        Panel(
            line_chart(
                f"{heading}: {TITLES[kind]}",
                some,
                x="prompts of each class",
                y="mean cosine",
                from_zero=False,
                log=True,
                level=threshold,
                beside=means,
                size=SIZE,
            ),
            TITLES[kind],
        )
        for kind, some in lines.items()
        if some
    ]
    keys = (ramp_key("layer", str(low), str(high)), level_key(f"threshold, {threshold:g}"))
    return Figure(heading, panels, keys)


def _points(entry: Curve, kind: Kind) -> list[Point]:
    return [
        Point(one.size, one.mean, hint=f"{one.size} prompts: {one.mean:.4f}")
        for one in entry.points
        if one.kind == kind and one.mean is not None
    ]
