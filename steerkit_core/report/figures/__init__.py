"""The charts of the page as files for a paper or a talk, by matplotlib, which is an extra."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from steerkit_core.errors import SteerkitError, StoreError
from steerkit_core.files.reading import unwritable
from steerkit_core.report.figures import directions, drift, layer_map, matrices, rates, scores, windows
from steerkit_core.report.figures.saving import drawable, save_figure
from steerkit_core.report.record import RunRecord

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FOLDER = "figures"

Draw = Callable[[RunRecord], Iterator["tuple[str, Figure]"]]

ALL: tuple[Draw, ...] = (
    rates.figures,
    layer_map.figures,
    windows.figures,
    directions.figures,
    drift.figures,
    matrices.figures,
    scores.figures,
)


def check_drawable() -> None:
    """Say how to get what figures need.

    Raises:
        SteerkitError: matplotlib is not installed.
    """
    if not drawable():
        raise SteerkitError("figures need the extra 'plots': pip install 'steerkit-core[plots]'")


def draw_figures(run: RunRecord) -> list[Path]:
    """Draw what the run has into `figures/` in its folder, each as SVG and as PNG.

    Raises:
        StoreError: a file cannot be written.
    """
    folder = run.folder / FOLDER
    try:
        folder.mkdir(exist_ok=True)
        return [
            path
            for draw in ALL
            for stem, figure in draw(run)
            for path in save_figure(figure, folder / stem)
        ]
    except OSError as error:
        raise StoreError(unwritable(folder, error)) from None
