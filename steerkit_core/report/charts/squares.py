"""A field of numbers as coloured squares."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from attrs import frozen
from markupsafe import Markup

from steerkit_core.report.charts.palette import ink, shade
from steerkit_core.report.charts.picture import (
    BOTTOM,
    LEFT,
    RIGHT,
    TOP,
    Picture,
    axis_names,
    picture,
    text_width,
)
from steerkit_core.report.charts.scales import some

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROOM = (28, 12)  # pixels of a square, from which on its number is written
LEVELS = 40  # of colour; squares of one level are one path
LINE = 17.5  # pixels from one label to the next at least
SLANT = math.sqrt(0.5)  # of names too long for their column, which go down at 45 degrees
UPRIGHT = Markup('<text x="{:.1f}" y="{:.1f}" class="t">{}</text>')
SLANTED = Markup(
    '<text x="{0:.1f}" y="{1:.1f}" class="e" transform="rotate(-45 {0:.1f} {1:.1f})">{2}</text>'
)

Values = Sequence[Sequence[float | None]]


@frozen
class Axis:
    """The labels of rows or columns, the name of them all, and how many pixels each of them has."""

    name: str
    labels: Sequence[str]
    pitch: float

    @property
    def length(self) -> float:
        """Pixels of all of them."""
        return self.pitch * len(self.labels)

    @property
    def widest(self) -> float:
        """Pixels of the longest label."""
        return max(map(text_width, self.labels))

    def shown(self, room: float) -> list[tuple[float, str]]:
        """The middles and texts of the labels that there is room for."""
        most = max(1, round(self.length / room))
        return [((at + 0.5) * self.pitch, self.labels[at]) for at in some(range(len(self.labels)), most)]


def matrix(title: str, layers: Sequence[int], values: NDArray[Any]) -> Picture:
    """Cosines between layers as a square of viridis, from -1 to 1; numbers in it where there is room."""
    axis = Axis("layer", [str(layer) for layer in layers], max(5.0, min(34.0, 420 / len(layers))))
    return squares(title, values.tolist(), axis, axis, ends=(-1.0, 1.0), form="{:.2f}")


def squares(
    title: str,
    values: Values,
    rows: Axis,
    columns: Axis,
    *,
    ends: tuple[float, float],
    form: str,
    names: bool = False,
) -> Picture:
    """Numbers between `ends` in viridis; None and NaN are left empty.

    Args:
        title: what a reader who does not see the chart is told.
        values: a row for each of `rows`, in it a number for each of `columns`.
        rows: labels at the left.
        columns: labels below.
        ends: the numbers of the first and the last colour.
        form: how a number is written, where there is room.
        names: whether columns are names: all are shown, slanted where they are long.
    """
    slant = columns.widest * SLANT if names and columns.widest > columns.pitch else 0.0
    # the name of the rows stands left of their labels, and the first slanted label needs room
    left = max(LEFT, rows.widest + 26, slant - columns.pitch / 2)
    bottom = TOP + rows.length
    known = [
        (left + column * columns.pitch, TOP + row * rows.pitch, value)
        for row, found in enumerate(values)
        for column, value in enumerate(found)
        if value is not None and not math.isnan(value)
    ]
    parts = [_fields(known, columns.pitch, rows.pitch, ends)]
    parts.append(
        Markup('<path d="M{0:g} {1}h{2:g}v{3:g}h-{2:g}z" class="grid"/>').format(
            left, TOP, columns.length, rows.length
        )
    )
    if columns.pitch >= ROOM[0] and rows.pitch >= ROOM[1]:
        parts += [
            Markup('<text x="{:.1f}" y="{:.1f}" class="t n" style="fill:{}">{}</text>').format(
                x + columns.pitch / 2,
                y + rows.pitch / 2 + 3.5,
                ink(shade(_share(value, ends))),
                form.format(round(value, 2) + 0.0),  # no minus before zero
            )
            for x, y, value in known
        ]
    label = SLANTED if slant else UPRIGHT
    parts += [
        label.format(left + at, bottom + (10 if slant else 14), text)
        for at, text in columns.shown(columns.pitch if names else max(LINE, columns.widest + 5))
    ]
    parts += [
        Markup('<text x="{:g}" y="{:.1f}" class="e">{}</text>').format(left - 6, TOP + at + 4, text)
        for at, text in rows.shown(LINE)
    ]
    across, down = (left + columns.length / 2, bottom + slant + 32), (12, TOP + rows.length / 2)
    parts.append(axis_names(columns.name, rows.name, across, down))
    return picture(title, (left + columns.length + RIGHT, bottom + slant + BOTTOM), parts, left)


def _fields(
    known: Sequence[tuple[float, float, float]], width: float, height: float, ends: tuple[float, float]
) -> Markup:
    """Squares whose upper left corners and numbers are `known`."""
    levels: dict[int, list[str]] = {}
    for x, y, value in known:
        level = round(_share(value, ends) * (LEVELS - 1))
        levels.setdefault(level, []).append(f"M{x:g} {y:g}h{width:g}v{height:g}h-{width:g}z")
    drawn = Markup("").join(
        Markup('<path fill="{}" d="{}"/>').format(shade(level / (LEVELS - 1)), "".join(places))
        for level, places in sorted(levels.items())
    )
    # without seams where a square does not end at a whole pixel
    return Markup('<g shape-rendering="crispEdges">{}</g>').format(drawn)


def _share(value: float, ends: tuple[float, float]) -> float:
    return min(max((value - ends[0]) / (ends[1] - ends[0]), 0.0), 1.0)
