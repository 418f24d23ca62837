"""Figures as files: the same numbers give the same files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from importlib.resources import as_file, files
from importlib.util import find_spec
from pathlib import Path

from steerkit_core.report.charts.figure import Figure
from steerkit_core.report.charts.sheet import sheet

ZOOM = 2.0  # pixels of a PNG for each of the drawing
FONT = "DejaVu Sans"
NO_PNG = "the figures are SVG only; for PNG files too: pip install 'steerkit-core[plots]'"


def rasterizes() -> bool:
    """Whether what makes a PNG of an SVG, which is an extra, is installed."""
    return find_spec("resvg_py") is not None


def numbered(stem: str, figures: Sequence[Figure]) -> Iterator[tuple[str, Figure]]:
    """Each figure with the name of its file, which has a number where there are several."""
    for number, figure in enumerate(figures, start=1):
        yield f"{stem}-{number}" if len(figures) > 1 else stem, figure


def save_figures(figures: Iterable[tuple[str, Figure]], folder: Path) -> list[Path]:
    """Write each figure as SVG, and as PNG where that can be made.

    Raises:
        OSError: a file cannot be written.
    """
    written = []
    png = rasterizes()
    for stem, figure in figures:
        drawing = sheet(figure)
        path = folder / f"{stem}.svg"
        path.write_text(drawing, encoding="utf-8")
        written.append(path)
        if png:
            written.append(path.with_suffix(".png"))
            written[-1].write_bytes(_png(drawing))
    return written


def _png(drawing: str) -> bytes:
    """The drawing in our own font, as a machine may have none, and others have other ones."""
    import resvg_py

    with as_file(files("steerkit_core.report.charts").joinpath("fonts", "DejaVuSans.ttf")) as font:
        return resvg_py.svg_to_bytes(
            svg_string=drawing,
            zoom=ZOOM,
            skip_system_fonts=True,
            font_files=[str(font)],
            font_family=FONT,
            sans_serif_family=FONT,
        )
