"""The charts of the page as files, for a paper or a talk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from steerkit_core.errors import StoreError
from steerkit_core.report.charts.figure import Figure
from steerkit_core.report.charts.saving import numbered, save_figures
from steerkit_core.report.content.record import RunRecord
from steerkit_core.report.page.sections import (
    directions,
    layer_map,
    quantization,
    rates,
    selection,
    transfer,
    windows,
)

FOLDER = "figures"


def figures(run: RunRecord) -> Iterator[tuple[str, Figure]]:
    """What the run has, each with the name of its file."""
    yield from numbered("rates", rates.figures(run))
    yield from numbered("map", layer_map.figures(run))
    yield from numbered("windows", windows.figures(run))
    yield from numbered("lengths", directions.length_figures(run))
    yield from numbered("cosines", directions.cosine_figures(run))
    yield from numbered("quantization", quantization.shift_figures(run))
    yield from numbered("transfer", transfer.figures(run))
    yield from numbered("precisions", quantization.figures(run))
    yield from numbered("scores", selection.figures(run))


def draw_figures(run: RunRecord) -> list[Path]:
    """Draw what the run has into `figures/` in its folder.

    Raises:
        StoreError: a file cannot be written.
    """
    folder = run.folder / FOLDER
    try:
        folder.mkdir(exist_ok=True)
        return save_figures(figures(run), folder)
    except OSError as error:
        raise StoreError(f"{folder}: cannot be written: {error.strerror}") from None
