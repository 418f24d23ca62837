"""Cosines between layers, as squares."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from steerkit_core.report.charts.picture import BOTTOM, LEFT, RIGHT, TOP, svg
from steerkit_core.report.palette import ink, shade
from steerkit_core.report.scales import some

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROOM = 28  # pixels of a square, from which on its number is written
LEVELS = 40  # of colour in a matrix; cells of one level are one path


def matrix(title: str, layers: Sequence[int], values: NDArray[Any]) -> Markup:
    """Cosines between layers as a square of viridis, from -1 to 1; numbers in it where there is room."""
    side = max(5.0, min(34.0, 420 / len(layers)))
    length = side * len(layers)
    levels: dict[int, list[str]] = {}
    for row, found in enumerate(values):
        for column, value in enumerate(found):
            if not math.isnan(value):
                level = round((float(value) + 1) / 2 * (LEVELS - 1))
                at = f"M{LEFT + column * side:g} {TOP + row * side:g}"
                levels.setdefault(level, []).append(f"{at}h{side:g}v{side:g}h-{side:g}z")
    parts = [
        Markup('<path fill="{}" d="{}"/>').format(shade(level / (LEVELS - 1)), "".join(places))
        for level, places in sorted(levels.items())
    ]
    if side >= ROOM:
        parts += [
            Markup('<text x="{:.1f}" y="{:.1f}" class="t n" style="fill:{}">{}</text>').format(
                LEFT + (column + 0.5) * side,
                TOP + (row + 0.5) * side + 3.5,
                ink(shade((float(value) + 1) / 2)),
                f"{round(float(value), 2) + 0.0:.2f}",  # no minus before zero
            )
            for row, found in enumerate(values)
            for column, value in enumerate(found)
            if not math.isnan(value)
        ]
    shown = some(range(len(layers)), 24)
    parts += [
        Markup(
            '<text x="{0:.1f}" y="{1:.1f}" class="t">{3}</text>'
            '<text x="{2}" y="{4:.1f}" class="e">{3}</text>'
        ).format(
            LEFT + (at + 0.5) * side,
            TOP + length + 14,
            LEFT - 6,
            layers[at],
            TOP + (at + 0.5) * side + 4,
        )
        for at in shown
    ]
    parts.append(
        Markup(
            '<text x="{0}" y="{1}" class="t">layer</text>'
            '<text x="12" y="{2}" class="t" transform="rotate(-90 12 {2})">layer</text>'
        ).format(LEFT + length / 2, TOP + length + 32, TOP + length / 2)
    )
    return svg(title, (int(LEFT + length + RIGHT), int(TOP + length + BOTTOM)), parts)


def ramp() -> Markup:
    """The scale of `matrix`, from -1 to 1."""
    boxes = Markup("").join(
        Markup('<rect x="{}" y="2" width="9" height="10" fill="{}"/>').format(
            24 + 8 * number, shade(number / 19)
        )
        for number in range(20)
    )
    return Markup(
        '<svg width="214" height="14" aria-hidden="true"><text x="20" y="11" class="e">-1</text>{}'
        '<text x="190" y="11" class="s">1</text></svg>'
    ).format(boxes)
