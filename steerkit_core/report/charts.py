"""Charts as inline SVG: text stays text, and colours that depend on the page's are its own.

Everything that is not a number is escaped.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from attrs import frozen
from markupsafe import Markup

from steerkit_core.report.palette import SERIES, shade
from steerkit_core.report.scales import Scale, some, steps

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEFT, RIGHT, TOP, BOTTOM = 52, 14, 12, 44
WIDTH, HEIGHT = 640, 300
LEVELS = 40  # of colour in a matrix; cells of one level are one path


@frozen
class Point:
    """A value at a layer, with the ends of its interval where it has one."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None
    hint: str = ""


@frozen
class Line:
    """A series of points."""

    name: str
    points: Sequence[Point]


def line_chart(
    title: str,
    lines: Sequence[Line],
    *,
    x: str,
    y: str,
    share: bool = False,
    from_zero: bool = True,
    level: float | None = None,
    size: tuple[int, int] = (WIDTH, HEIGHT),
) -> Markup:
    """Lines over integers such as layers; `share` has the y axis go from 0 to 100 percent.

    Args:
        title: what a reader who does not see the chart is told.
        lines: drawn in the palette's order, each with a marker of its own.
        x: what the horizontal axis says.
        y: what the vertical axis says.
        share: whether values are shares.
        from_zero: whether the axis shows 0, as that of a length has to.
        level: a value that is drawn across, dashed.
        size: width and height in pixels.
    """
    width, height = size
    points = [point for line in lines for point in line.points]
    places = sorted({int(point.x) for point in points})
    across = Scale(places[0] - 0.5, places[-1] + 0.5, LEFT, width - RIGHT)
    found = [
        value for point in points for value in (point.y, point.low, point.high) if value is not None
    ] + ([] if level is None else [level])
    ticks = steps(0.0, 1.0) if share else _about(found, from_zero=from_zero)
    up = Scale(ticks[0], ticks[-1], height - BOTTOM, TOP)
    form = "{:.0%}" if share else "{:g}"
    parts = [_grid(width, [(up(tick), form.format(tick)) for tick in ticks])]
    parts += [
        Markup('<text x="{:.1f}" y="{}" class="t">{}</text>').format(across(at), height - BOTTOM + 16, at)
        for at in some(places, width // 40)
    ]
    parts.append(_axes(width, height, x, y))
    if level is not None:
        parts.append(
            Markup('<path d="M{} {:.1f}H{}" class="level"/>').format(LEFT, up(level), width - RIGHT)
        )
    # points of one layer stand side by side, so that their intervals can be told apart
    gap = min(5.0, (across(1) - across(0)) / (len(lines) + 1)) if len(lines) > 1 else 0.0
    for number, line in enumerate(lines):
        shift = (number - (len(lines) - 1) / 2) * gap
        parts.append(_line(line, number, lambda at, by=shift: across(at) + by, up))
    return svg(title, size, parts)


def _about(values: Sequence[float], *, from_zero: bool) -> list[float]:
    """Round values around these; a range of no width is widened."""
    low, high = min(values), max(values)
    low, high = (min(low, 0.0), max(high, 0.0)) if from_zero else (low, high)
    return steps(low, high if high > low else low + 1.0)


def _line(line: Line, number: int, across: Any, up: Scale) -> Markup:
    colour = SERIES[number % len(SERIES)]
    places = [(across(point.x), up(point.y)) for point in line.points]
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    bars = "".join(
        f"M{across(point.x):.1f} {up(point.low):.1f}V{up(point.high):.1f}"
        for point in line.points
        if point.low is not None and point.high is not None
    )
    drawn = [Markup('<path d="{}" class="line"/>').format(path)]
    drawn += [Markup('<path d="{}" class="ci"/>').format(bars)] if bars else []
    drawn += [
        Markup('<path d="{}" class="dot"><title>{}</title></path>').format(
            marker(number, x, y), f"{line.name}{', ' if line.name else ''}{point.hint}"
        )
        for point, (x, y) in zip(line.points, places, strict=True)
    ]
    return Markup('<g style="--c:{}">{}</g>').format(colour, Markup("").join(drawn))


def marker(number: int, x: float, y: float, size: float = 3.6) -> str:
    """The outline of a series' marker: circle, square, triangle, diamond, triangle upside down."""
    s, t = size, round(1.2 * size, 2)
    shapes = (
        f"M{x - s:.1f} {y:.1f}a{s} {s} 0 1 0 {2 * s} 0a{s} {s} 0 1 0 {-2 * s} 0z",
        f"M{x - s:.1f} {y - s:.1f}h{2 * s}v{2 * s}h{-2 * s}z",
        f"M{x:.1f} {y - s:.1f}l{s} {2 * s}h{-2 * s}z",
        f"M{x:.1f} {y - t:.1f}l{t} {t}l{-t} {t}l{-t} {-t}z",
        f"M{x:.1f} {y + s:.1f}l{s} {-2 * s}h{-2 * s}z",
    )
    return shapes[number % len(shapes)]


def legend(names: Sequence[str], level: str = "") -> Markup:
    """The names of a chart's lines with their colours and markers, and of its level, in the text's flow."""
    items = [
        Markup(
            '<li><svg width="26" height="12" aria-hidden="true" style="--c:{}">'
            '<path d="M0 6H26" class="line"/><path d="{}" class="dot"/></svg> {}</li>'
        ).format(SERIES[number % len(SERIES)], marker(number, 13, 6), name)
        for number, name in enumerate(names)
    ]
    if level:
        items.append(
            Markup(
                '<li><svg width="26" height="12" aria-hidden="true"><path d="M0 6H26" class="level"/></svg>'
                " {}</li>"
            ).format(level)
        )
    return Markup('<ul class="legend">{}</ul>').format(Markup("").join(items))


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
        Markup('<text x="{}" y="{}" class="t">layer</text>').format(LEFT + length / 2, TOP + length + 32)
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


def svg(title: str, size: tuple[int, int], parts: Iterable[Markup]) -> Markup:
    """A picture with a title, which shrinks with the page and does not grow beyond its size."""
    width, height = size
    return Markup(
        '<svg class="chart" role="img" aria-label="{}" viewBox="0 0 {} {}" style="max-width:{}px">'
        "<title>{}</title>{}</svg>"
    ).format(title, width, height, width, title, Markup("").join(parts))


def _grid(width: int, ticks: Iterable[tuple[float, str]]) -> Markup:
    return Markup("").join(
        Markup('<path d="M{} {:.1f}H{}" class="grid"/><text x="{}" y="{:.1f}" class="e">{}</text>').format(
            LEFT, at, width - RIGHT, LEFT - 6, at + 4, text
        )
        for at, text in ticks
    )


def _axes(width: int, height: int, x: str, y: str) -> Markup:
    middle = (TOP + height - BOTTOM) / 2
    return Markup(
        '<text x="{}" y="{}" class="t">{}</text>'
        '<text x="12" y="{}" class="t" transform="rotate(-90 12 {})">{}</text>'
    ).format((LEFT + width - RIGHT) / 2, height - 8, x, middle, middle, y)
