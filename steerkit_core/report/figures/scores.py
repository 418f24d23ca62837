"""What a selector gave its candidates, a panel for each number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from steerkit_core.report.palette import MARKERS, SERIES
from steerkit_core.report.record import RunRecord
from steerkit_core.report.scores import Scores, scores_of
from steerkit_core.report.sections.selection import DRAWN
from steerkit_core.report.selection import setting_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def figures(run: RunRecord) -> Iterator[tuple[str, Figure]]:
    """One for each setting whose selector has scores, as in the page."""
    every = [(setting_of(entry), scores_of(run.report, entry)) for entry in run.report["selections"]]
    found = [(title, scores) for title, scores in every if scores][:DRAWN]
    for number, (title, scores) in enumerate(found, start=1):
        yield f"scores-{number}" if len(found) > 1 else "scores", _figure(title, scores)


def _figure(title: str, found: Sequence[Scores]) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.2 * len(found) + 0.6, 3.2), layout="constrained")
    panels = figure.subplots(1, len(found), squeeze=False)[0]
    for one, panel in zip(found, panels, strict=True):
        for place, (position, line) in enumerate(one.by_position.items()):
            colour, marker = SERIES[place], MARKERS[place]
            layers, values = [each.layer for each in line], [each.value for each in line]
            name = f"position {position}"
            panel.plot(layers, values, color=colour, marker=marker, markersize=4, linewidth=1.2, label=name)
            faces = ["white" if each.excluded else colour for each in line]
            panel.scatter(layers, values, c=faces, edgecolors=colour, marker=marker, s=16, zorder=3)
            for each in line:
                if each.chosen:
                    panel.scatter([each.layer], [each.value], s=80, facecolors="none", edgecolors="black")
        panel.set_title(one.name, fontsize=9)
        panel.set_xlabel("layer")
        panel.grid(alpha=0.25)
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, fontsize=8, loc="outside lower center", ncols=len(names))
    panels[0].set_ylabel("score")
    figure.suptitle(f"{title} (hollow: excluded; ring: chosen)", fontsize=9)
    return figure
