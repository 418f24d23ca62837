"""Lines over layers, with intervals."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import Any

from attrs import frozen
from markupsafe import Markup

from steerkit_core.report.charts.palette import SERIES
from steerkit_core.report.charts.picture import (
    BOTTOM,
    LEFT,
    RIGHT,
    TOP,
    Picture,
    axis_names,
    marker,
    picture,
)
from steerkit_core.report.charts.scales import Scale, some, steps

WIDTH, HEIGHT = 640, 300
SIDE = 9.0  # pixels between two points of one layer, a little more than a marker
LONGEST_LABEL = 7  # characters that the left margin has room for
CAP = 2.5  # half the width of an interval's ends


@frozen
class Point:
    """A value at a layer, with the ends of its interval where it has one.

    `hollow` and `ringed` are how its marker is drawn.
    """

    x: float
    y: float
    low: float | None = None
    high: float | None = None
    hint: str = ""
    hollow: bool = False
    ringed: bool = False


@frozen
class Line:
    """A series of points, in the palette's next color unless it has its own."""

    name: str
    points: Sequence[Point]
    colour: str = ""


def line_chart(
    title: str,
    lines: Sequence[Line],
    *,
    x: str,
    y: str,
    share: bool = False,
    from_zero: bool = True,
    log: bool = False,
    level: float | None = None,
    beside: Iterable[float] = (),
    size: tuple[int, int] = (WIDTH, HEIGHT),
) -> Picture:
    """Lines over integers such as layers; `share` has the y axis go from 0 to 100 percent.

    Args:
        title: what a reader who does not see the chart is told.
        lines: those without a color in the palette's order, each with its own marker.
        x: what the horizontal axis says.
        y: what the vertical axis says.
        share: whether values are shares.
        from_zero: whether the axis shows 0, as that of a length has to.
        log: whether the horizontal axis is logarithmic.
        level: a value that is drawn across, dashed.
        beside: values that the vertical axis has room for too, as those of the panel beside this one.
        size: width and height in pixels.
    """
    width, height = size
    points = [point for line in lines for point in line.points]
    places = sorted({int(point.x) for point in points})
    across = _across(places, width, log=log)
    found = [
        value for point in points for value in (point.y, point.low, point.high) if value is not None
    ] + ([] if level is None else [level])
    ticks = steps(0.0, 1.0) if share else _about([*found, *beside], from_zero=from_zero)
    up = Scale(ticks[0], ticks[-1], height - BOTTOM, TOP)
    labels, y = ([f"{tick:.0%}" for tick in ticks], y) if share else _labels(ticks, y)
    parts = [_grid(width, zip(map(up, ticks), labels, strict=True))]
    parts += [
        Markup('<text x="{:.1f}" y="{}" class="t">{}</text>').format(across(at), height - BOTTOM + 16, at)
        for at in some(places, width // 40)
    ]
    middle = ((LEFT + width - RIGHT) / 2, (TOP + height - BOTTOM) / 2)
    parts.append(axis_names(x, y, (middle[0], height - 8), (12, middle[1])))
    if level is not None:
        parts.append(
            Markup('<path d="M{} {:.1f}H{}" class="level"/>').format(LEFT, up(level), width - RIGHT)
        )
    parts += _lines(lines, places, across, up)
    return picture(title, size, parts)


def _across(places: Sequence[int], width: int, *, log: bool) -> Scale:
    """The horizontal scale, with some room at both ends."""
    low, high = places[0], places[-1]
    ends = (low / 1.15, high * 1.15) if log else (low - 0.5, high + 0.5)
    return Scale(*ends, LEFT, width - RIGHT, log)


def _lines(lines: Sequence[Line], places: Sequence[int], across: Scale, up: Scale) -> list[Markup]:
    """All lines, their points side by side where they have intervals, so that these can be told apart."""
    one_apart = min(
        (across(after) - across(at) for at, after in itertools.pairwise(places)),
        default=across.end - across.start,
    )
    several = len(lines) > 1 and any(point.low is not None for line in lines for point in line.points)
    gap = min(SIDE, one_apart / (len(lines) + 1)) if several else 0.0
    # of many points the ends of intervals would run into each other
    capped = one_apart > 4 * CAP
    drawn = []
    for number, line in enumerate(lines):
        shift = (number - (len(lines) - 1) / 2) * gap
        drawn.append(_line(line, number, lambda at, by=shift: across(at) + by, up, capped=capped))
    return drawn


def _about(values: Sequence[float], *, from_zero: bool) -> list[float]:
    """Round values around these; a range of no width is widened."""
    low, high = min(values), max(values)
    low, high = (min(low, 0.0), max(high, 0.0)) if from_zero else (low, high)
    return steps(low, high if high > low else low + 1.0)


def _labels(ticks: Sequence[float], name: str) -> tuple[list[str], str]:
    """What stands at the ticks and along the axis.

    Values that differ by little of what they are, such as 0.999996 and 0.999998, do not fit in the margin:
    then their differences from a round value stand there, in units of a power of ten.
    """
    labels = [f"{tick:g}" for tick in ticks]
    if len(set(labels)) == len(labels) and max(map(len, labels)) <= LONGEST_LABEL:
        return labels, name
    base = float(f"{ticks[-1]:.3g}")
    power = math.floor(math.log10(max(abs(tick - base) for tick in ticks)))
    apart = [f"{(tick - base) / 10.0**power:.3g}" for tick in ticks]
    return ["0" if label == "-0" else label for label in apart], f"({name} - {base:g}) / 1e{power}"


def _line(line: Line, number: int, across: Any, up: Scale, *, capped: bool) -> Markup:
    # a line with a colour of its own is one of many, and is not told by its marker
    colour, shape = (line.colour, 0) if line.colour else (SERIES[number % len(SERIES)], number)
    places = [(across(point.x), up(point.y)) for point in line.points]
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    cap = f"m{-CAP} 0h{2 * CAP}m{-CAP} 0" if capped else ""
    bars = "".join(
        f"M{across(point.x):.1f} {up(point.low):.1f}{cap}V{up(point.high):.1f}{cap}"
        for point in line.points
        if point.low is not None and point.high is not None
    )
    drawn = [Markup('<path d="{}" class="line"/>').format(path)]
    drawn += [Markup('<path d="{}" class="ci"/>').format(bars)] if bars else []
    drawn += [
        Markup('<path d="{}" class="{}"><title>{}</title></path>').format(
            marker(shape, x, y),
            "dot hollow" if point.hollow else "dot",
            f"{line.name}{', ' if line.name else ''}{point.hint}",
        )
        for point, (x, y) in zip(line.points, places, strict=True)
    ]
    drawn += [
        Markup('<circle cx="{:.1f}" cy="{:.1f}" r="8" class="ring"/>').format(x, y)
        for point, (x, y) in zip(line.points, places, strict=True)
        if point.ringed
    ]
    return Markup('<g style="color:{}">{}</g>').format(colour, Markup("").join(drawn))


def _grid(width: int, ticks: Iterable[tuple[float, str]]) -> Markup:
    return Markup("").join(
        Markup('<path d="M{} {:.1f}H{}" class="grid"/><text x="{}" y="{:.1f}" class="e">{}</text>').format(
            LEFT, at, width - RIGHT, LEFT - 6, at + 4, text
        )
        for at, text in ticks
    )
