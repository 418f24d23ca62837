"""What all charts share: the picture, its margins, its axes' names, and the markers of its lines.

Everything that is not a number is escaped.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen
from markupsafe import Markup

LEFT, RIGHT, TOP, BOTTOM = 52, 14, 12, 44


@frozen
class Picture:
    """A drawing of `width` by `height` pixels; `title` is for a reader who does not see it.

    `middle` is how far from the left the middle of its drawing area is.
    """

    title: str
    width: int
    height: int
    body: Markup
    middle: float

    def __html__(self) -> str:
        """The drawing within a page: it shrinks with the page and does not grow beyond its size."""
        return Markup(
            '<svg class="chart" role="img" aria-label="{}" viewBox="0 0 {} {}" style="max-width:{}px">'
            "<title>{}</title>{}</svg>"
        ).format(self.title, self.width, self.height, self.width, self.title, self.body)


def picture(title: str, size: tuple[float, float], parts: Iterable[Markup], left: float = LEFT) -> Picture:
    """The parts as one drawing, whose area begins `left` pixels from the left and ends at the margin."""
    middle = (left + size[0] - RIGHT) / 2
    return Picture(title, round(size[0]), round(size[1]), Markup("").join(parts), middle)


def axis_names(x: str, y: str, across: tuple[float, float], down: tuple[float, float]) -> Markup:
    """The names of both axes.

    Args:
        x: the name below the chart, whose middle and baseline are `across`.
        y: the name to its left, upright.
        across: place of `x` in pixels.
        down: place of the middle of `y` in pixels.
    """
    return Markup(
        '<text x="{:g}" y="{:g}" class="t">{}</text>'
        '<text x="{:g}" y="{:g}" class="t" transform="rotate(-90 {:g} {:g})">{}</text>'
    ).format(*across, x, *down, *down, y)


def text_width(text: str) -> float:
    """About as many pixels as a text of 12 pixels is wide; a little more in most fonts."""
    return 6.8 * len(text)


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
