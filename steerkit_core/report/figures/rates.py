"""Refusals by layer, a line for each multiplier."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from steerkit_core.report.palette import MARKERS, SERIES
from steerkit_core.report.record import RunRecord
from steerkit_core.report.sections import rates

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ACROSS = 3  # panels in a row, where there are more lines than colours


def figures(run: RunRecord) -> Iterator[tuple[str, Figure]]:
    """One for each family of cells, as in the page."""
    found = rates.rates(run)[: rates.MOST]
    for number, one in enumerate(found, start=1):
        yield f"rates-{number}" if len(found) > 1 else "rates", _figure(one)


def _figure(found: rates.Rates) -> Figure:
    from matplotlib.figure import Figure

    lines = found.drawn
    together = len(lines) <= len(SERIES)
    across = 1 if together else ACROSS
    down = 1 if together else -(-len(lines) // ACROSS)
    size = (6.0, 3.6) if together else (3.0 * across, 2.2 * down)
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(down, across, squeeze=False, sharex=True, sharey=True).flat
    for number, (panel, by) in enumerate(zip(panels, [lines] if together else [[by] for by in lines])):  # noqa: B905  # reason: the last row of panels may have gaps
        for place, one in enumerate(by):
            _line(panel, found, one, place, len(by))
        if found.unsteered is not None and found.unsteered["rates"].get("refusal"):
            rate = found.unsteered["rates"]["refusal"]["rate"]
            panel.axhline(rate, color="black", linestyle="--", linewidth=0.8, label="unsteered")
        panel.set_ylim(-0.02, 1.02)
        panel.grid(alpha=0.25)
        if together:
            panel.set_ylabel("coherent refusals")
            figure.legend(fontsize=8, loc="outside lower center", ncols=3)
        else:
            panel.set_title(f"{found.axis} {by[0]:g}", fontsize=9)
        if together or number >= len(lines) - ACROSS:
            panel.set_xlabel("layer")
    for panel in panels:
        panel.set_visible(False)
    figure.suptitle(found.title, fontsize=9)
    return figure


def _line(panel: Axes, found: rates.Rates, by: float | None, place: int, of: int) -> None:
    cells = found.lines[by]
    known = [cell["rates"]["refusal"] for cell in cells]
    # points of one layer stand side by side, so that their intervals can be told apart
    shift = (place - (of - 1) / 2) * 0.06
    values = [rate["rate"] for rate in known]
    below = [max(rate["rate"] - rate["low"], 0.0) for rate in known]
    above = [max(rate["high"] - rate["rate"], 0.0) for rate in known]
    panel.errorbar(
        [cell["layer"] + shift for cell in cells],
        values,
        yerr=[below, above],
        color=SERIES[place % len(SERIES)],
        marker=MARKERS[place % len(MARKERS)],
        markersize=4,
        linewidth=1.3,
        elinewidth=0.9,
        capsize=2,
        label=None if by is None else f"{found.axis} {by:g}",
    )
