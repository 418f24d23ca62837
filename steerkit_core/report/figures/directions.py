"""Lengths of directions by layer, and the cosines between layers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from steerkit_core.report.figures.squares import squares
from steerkit_core.report.palette import SERIES
from steerkit_core.report.record import RunRecord
from steerkit_core.report.scales import some
from steerkit_core.report.sections.directions import MOST, Extracted, extracted, lengths

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def figures(run: RunRecord) -> Iterator[tuple[str, Figure]]:
    """Two for each set of directions of the page."""
    found, _ = extracted(run, MOST)
    for number, one in enumerate(found, start=1):
        end = f"-{number}" if len(found) > 1 else ""
        yield f"lengths{end}", _lengths(one)
        yield f"cosines{end}", _cosines(one)


def _lengths(one: Extracted) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 3.0), layout="constrained")
    for panel, (name, values) in zip(figure.subplots(1, 2), lengths(one), strict=True):
        panel.plot(one.kept.layers, values, color=SERIES[0], marker="o", markersize=3, linewidth=1.3)
        panel.set_title(name, fontsize=9)
        panel.set_xlabel("layer")
        panel.set_ylim(bottom=0)
        panel.grid(alpha=0.25)
    figure.suptitle(one.name, fontsize=9)
    return figure


def _cosines(one: Extracted) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.6, 4.0), layout="constrained")
    panel = figure.subplots()
    drawn = squares(panel, [list(map(float, row)) for row in one.kept.cosines], (-1.0, 1.0), "{:.2f}")
    panel.set_aspect("equal")
    places = some(range(len(one.kept.layers)), 24)
    for set_ticks in (panel.set_xticks, panel.set_yticks):
        set_ticks(places, [str(one.kept.layers[place]) for place in places], fontsize=7)
    panel.set_xlabel("layer")
    panel.set_ylabel("layer")
    figure.colorbar(drawn, ax=panel, label="cosine")
    figure.suptitle(one.name, fontsize=9)
    return figure
