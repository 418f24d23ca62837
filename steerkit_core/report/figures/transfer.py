"""Rates, efficiencies and cosines of transfers, source by target."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from steerkit_core.report.figures.squares import squares
from steerkit_core.report.record import RunRecord
from steerkit_core.report.sections.transfer import matrices

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def figures(run: RunRecord) -> Iterator[tuple[str, Figure]]:
    """One, where directions were transferred."""
    found = matrices(run)
    if not found:
        return
    from matplotlib.figure import Figure

    first = found[0]
    width, height = len(first.targets), len(first.sources)
    figure = Figure(figsize=(len(found) * (1.6 + 0.7 * width), 2.2 + 0.5 * height), layout="constrained")
    panels = figure.subplots(1, len(found), sharey=True, squeeze=False)[0]
    for matrix, panel in zip(found, panels, strict=True):
        values = [
            [
                None if (entry := matrix.entries.get((source, target))) is None else entry.value
                for target in matrix.targets
            ]
            for source in matrix.sources
        ]
        drawn = squares(panel, values, matrix.ends, "{:.2f}")
        panel.set_title(matrix.short, fontsize=9)
        panel.set_xticks(range(width), matrix.targets, rotation=45, ha="right", fontsize=7)
        panel.set_xlabel("target")
        figure.colorbar(drawn, ax=panel)
    panels[0].set_yticks(range(height), first.sources, fontsize=7)
    panels[0].set_ylabel("source")
    yield "transfer", figure
