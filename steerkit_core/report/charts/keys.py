"""What a legend is made of: samples of lines and of colours, each with its name."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen
from markupsafe import Markup

from steerkit_core.report.charts.palette import SERIES, shade
from steerkit_core.report.charts.picture import marker, text_width

HEIGHT = 12  # pixels of every sample


@frozen
class Key:
    """A sample of `width` by 12 pixels, and what it stands for."""

    name: str
    width: int
    sample: Markup

    def __html__(self) -> str:
        """The sample in the text's flow."""
        return Markup('<svg width="{}" height="{}" aria-hidden="true">{}</svg>').format(
            self.width, HEIGHT, self.sample
        )


def line_keys(names: Sequence[str]) -> list[Key]:
    """Lines in the palette's order, with their markers."""
    return [
        Key(
            name,
            26,
            Markup(
                '<g style="color:{}"><path d="M0 6H26" class="line"/><path d="{}" class="dot"/></g>'
            ).format(SERIES[number % len(SERIES)], marker(number, 13, 6)),
        )
        for number, name in enumerate(names)
    ]


def level_key(name: str) -> Key:
    """The dashed line across a chart."""
    return Key(name, 26, Markup('<path d="M0 6H26" class="level"/>'))


def ramp_key(name: str, low: str, high: str) -> Key:
    """All colours between two values."""
    start = round(text_width(low)) + 4
    end = start + 8 * 20 + 4
    boxes = Markup("").join(
        # a little over the next one, so that no seam is seen
        Markup('<rect x="{}" y="1" width="9" height="10" fill="{}"/>').format(
            start + 8 * number, shade(number / 19)
        )
        for number in range(20)
    )
    sample = Markup('<text x="{}" y="10" class="e">{}</text>{}<text x="{}" y="10" class="s">{}</text>')
    return Key(name, round(end + text_width(high)) + 6, sample.format(start - 4, low, boxes, end, high))


def legend(keys: Sequence[Key]) -> Markup:
    """The keys as a list in a page; nothing where there are none."""
    items = Markup("").join(Markup("<li>{} {}</li>").format(key, key.name) for key in keys)
    return Markup('<ul class="legend">{}</ul>').format(items) if keys else Markup("")
