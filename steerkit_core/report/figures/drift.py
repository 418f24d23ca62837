"""Cosine of each layer's direction to the one without quantization."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from steerkit_core.report.numbers import drift_rows
from steerkit_core.report.palette import MARKERS, SERIES
from steerkit_core.report.record import RunRecord

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def figures(run: RunRecord) -> Iterator[tuple[str, Figure]]:
    """One, where precisions were compared."""
    found = [(name, known) for name, _, known in drift_rows(run.report) if known]
    if not found:
        return
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.0, 3.4), layout="constrained")
    panel = figure.subplots()
    for number, (name, known) in enumerate(found):
        panel.plot(
            [layer for layer, _ in known],
            [cosine for _, cosine in known],
            color=SERIES[number % len(SERIES)],
            marker=MARKERS[number % len(MARKERS)],
            # where there are more lines than colours
            linestyle=("-", "--", ":")[number // len(SERIES) % 3],
            markersize=4,
            linewidth=1.3,
            label=name,
        )
    panel.set_xlabel("layer")
    panel.set_ylabel("cosine to the unquantized direction")
    panel.grid(alpha=0.25)
    figure.legend(fontsize=8, loc="outside lower center", ncols=3)
    yield "quantisation", figure
