"""Figures as files: the same numbers give the same file."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("svg", "png")
DOTS = 150  # of a PNG, per inch


def drawable() -> bool:
    """Whether matplotlib, which is an extra, is installed."""
    return find_spec("matplotlib") is not None


def save_figure(figure: Figure, stem: Path) -> list[Path]:
    """Write a figure in every format, its text as text and without a date.

    Raises:
        OSError: a file cannot be written.
    """
    import matplotlib as mpl

    files = [stem.with_name(f"{stem.name}.{kind}") for kind in FORMATS]
    # identifiers that do not depend on the process
    with mpl.rc_context({"svg.hashsalt": "steerkit", "svg.fonttype": "none"}):
        for path in files:
            dated = {"Date": None} if path.suffix == ".svg" else {}
            figure.savefig(path, dpi=DOTS, metadata=dated)
    return files
