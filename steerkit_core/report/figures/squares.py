"""A field of numbers as coloured squares, the numbers in it where there is room."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from steerkit_core.report.palette import ink, shade

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

ROOM = 15  # rows and columns, up to which numbers are written


def squares(
    panel: Axes, values: Sequence[Sequence[float | None]], ends: tuple[float, float], form: str
) -> AxesImage:
    """Draw viridis between `ends`; None is left empty."""
    low, high = ends
    known = [[math.nan if value is None else value for value in row] for row in values]
    drawn = panel.imshow(known, cmap="viridis", vmin=low, vmax=high, aspect="auto")
    if max(len(known), len(known[0])) <= ROOM:
        for row, found in enumerate(known):
            for column, value in enumerate(found):
                if not math.isnan(value):
                    colour = "black" if ink(shade((value - low) / (high - low))) == "#000" else "white"
                    text = form.format(value)
                    panel.text(column, row, text, ha="center", va="center", fontsize=6, color=colour)
    return drawn
