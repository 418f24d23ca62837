"""What all charts share: the picture, its margins, and the markers of its lines.

Everything that is not a number is escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup

from steerkit_core.report.palette import SERIES

LEFT, RIGHT, TOP, BOTTOM = 52, 14, 12, 44


def svg(title: str, size: tuple[int, int], parts: Iterable[Markup]) -> Markup:
    """A picture with a title, which shrinks with the page and does not grow beyond its size."""
    width, height = size
    return Markup(
        '<svg class="chart" role="img" aria-label="{}" viewBox="0 0 {} {}" style="max-width:{}px">'
        "<title>{}</title>{}</svg>"
    ).format(title, width, height, width, title, Markup("").join(parts))


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
