"""Between which strengths each layer steers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from steerkit_core.report.palette import LABELS
from steerkit_core.report.record import Entry, RunRecord
from steerkit_core.report.sections.windows import MANY, MOST, axis, wide
from steerkit_core.report.windows import window_families

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def figures(run: RunRecord) -> Iterator[tuple[str, Figure]]:
    """One for each family of cells, as in the page."""
    found = list(window_families(run.report).items())[:MOST]
    for number, (title, entries) in enumerate(found, start=1):
        yield f"windows-{number}" if len(found) > 1 else "windows", _figure(title, entries)


def _figure(title: str, entries: Sequence[Entry]) -> Figure:
    from matplotlib.figure import Figure

    size = (6.0, 1.3 + (0.24 if len(entries) < MANY else 0.14) * len(entries))
    figure = Figure(figsize=size, layout="constrained")
    panel = figure.subplots()
    for place, entry in enumerate(entries):
        for found in entry["ranges"]:
            ends = [found[name]["multiplier"] for name in ("from", "to")]
            # markers, as a window of one strength is no line
            panel.plot(ends, [place, place], "o-", color=LABELS["refusal"], linewidth=6, markersize=7)
        tried = [one["multiplier"] for one in entry["tried"]]
        panel.plot(tried, [place] * len(tried), "o", color="white", markeredgecolor="black", markersize=3)
        if entry["garbling"] is not None:
            panel.plot(entry["garbling"]["multiplier"], place, "x", color=LABELS["garbled"], markersize=8)
    strengths = sorted({one["multiplier"] for entry in entries for one in entry["tried"]})
    log = wide(strengths)
    if log:
        panel.set_xscale("log")
        panel.minorticks_off()
    shown = strengths[:: -(-len(strengths) // 12)]
    panel.set_xticks(shown, [f"{one:g}" for one in shown])
    panel.set_yticks(range(len(entries)), [str(entry["layer"]) for entry in entries])
    panel.tick_params(axis="y", labelsize=9 if len(entries) < MANY else 6)
    panel.invert_yaxis()
    panel.set_xlabel(f"{axis(log=log)}; bar: window, cross: garbles from")
    panel.set_ylabel("layer")
    figure.suptitle(title, fontsize=9)
    return figure
