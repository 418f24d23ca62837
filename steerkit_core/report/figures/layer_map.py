"""Refusal, garbled and normal by layer and multiplier, a panel for each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from steerkit_core.report.figures.squares import squares
from steerkit_core.report.maps import Map, maps
from steerkit_core.report.record import RunRecord
from steerkit_core.report.scales import some
from steerkit_core.report.sections.layer_map import MOST

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LABELS = ("refusal", "garbled", "normal")
WIDEST, HIGHEST = 5.0, 9.0  # inches of a panel


def figures(run: RunRecord) -> Iterator[tuple[str, Figure]]:
    """One for each map of the page."""
    found = maps(run.report)[:MOST]
    for number, one in enumerate(found, start=1):
        yield f"map-{number}" if len(found) > 1 else "map", _figure(one)


def _figure(found: Map) -> Figure:
    from matplotlib.figure import Figure

    width, height = len(found.multipliers), len(found.layers)
    size = (3 * (1.2 + min(0.42 * width, WIDEST)), 1.2 + min(0.3 * height, HIGHEST))
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(1, len(LABELS), sharey=True, squeeze=False)[0]
    for label, panel in zip(LABELS, panels, strict=True):
        values = [[_share(found, layer, by, label) for by in found.multipliers] for layer in found.layers]
        drawn = squares(panel, values, (0.0, 1.0), "{:.0%}")
        panel.set_title(label, fontsize=9)
        places = some(range(width), 12)
        panel.set_xticks(places, [f"{found.multipliers[place]:g}" for place in places])
        panel.set_xlabel(found.axis)
    places = some(range(height), 40)
    panels[0].set_yticks(places, [str(found.layers[place]) for place in places])
    panels[0].set_ylabel("layer")
    figure.colorbar(drawn, ax=list(panels), label="share of completions")
    figure.suptitle(found.title, fontsize=9)
    return figure


def _share(found: Map, layer: int, by: float, label: str) -> float | None:
    cell = found.cells.get((layer, by))
    if cell is None or not cell["n"] or cell.get("sick"):
        return None
    return float(cell["counts"].get(label, 0) / cell["n"])
