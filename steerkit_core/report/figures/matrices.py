"""Matrices of the page: of transfers, source by target, and of precisions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from steerkit_core.report.figures.squares import squares
from steerkit_core.report.matrices import Matrix
from steerkit_core.report.record import RunRecord
from steerkit_core.report.sections import quantisation, transfer

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def figures(run: RunRecord) -> Iterator[tuple[str, Figure]]:
    """One for what was transferred, and one for precisions that were compared."""
    for name, found, words in (
        ("transfer", transfer.matrices(run), ("target", "source")),
        ("precisions", quantisation.matrices(run), ("precision", "")),
    ):
        if found:
            yield name, _figure(found, *words)


def _figure(found: Sequence[Matrix], across: str, down: str) -> Figure:
    from matplotlib.figure import Figure

    width, height = len(found[0].columns), len(found[0].rows)
    longest = max(map(len, found[0].rows))
    size = (0.06 * longest + len(found) * (1.6 + 0.7 * width), 2.2 + 0.5 * height)
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(1, len(found), sharey=True, squeeze=False)[0]
    for matrix, panel in zip(found, panels, strict=True):
        values = [
            [
                None if (entry := matrix.entries.get((row, column))) is None else entry.value
                for column in matrix.columns
            ]
            for row in matrix.rows
        ]
        drawn = squares(panel, values, matrix.ends, "{:.2f}")
        panel.set_title(matrix.short, fontsize=9)
        panel.set_xticks(range(width), matrix.columns, rotation=45, ha="right", fontsize=7)
        panel.set_xlabel(across)
        figure.colorbar(drawn, ax=panel)
    panels[0].set_yticks(range(height), found[0].rows, fontsize=7)
    panels[0].set_ylabel(down)
    return figure
