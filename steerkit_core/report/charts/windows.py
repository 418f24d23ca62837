"""Between which strengths each layer steers: a row for each layer."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from steerkit_core.report.charts.palette import LABELS
from steerkit_core.report.charts.picture import LEFT, RIGHT, TOP, Picture, axis_names, picture
from steerkit_core.report.charts.scales import Scale
from steerkit_core.results.findings import Window

WIDTH, ROW = 640, 22
MANY, DENSE = 30, 12  # layers, from which on the rows are so narrow
SPREAD = 8  # from this ratio of strengths on the axis is logarithmic, and says so


def window_chart(title: str, entries: Sequence[Window]) -> Picture:
    """A row for each layer: what was tried, where it steers, and from where on it garbles."""
    tried = sorted({one.multiplier or 0.0 for entry in entries for one in entry.tried})
    log = _wide(tried)
    room = 0.0 if log else (tried[-1] - tried[0]) * 0.04
    low, high = (tried[0] / 1.15, tried[-1] * 1.15) if log else (tried[0] - room, tried[-1] + room)
    across = Scale(low, high, LEFT, WIDTH - RIGHT, log)
    pitch = ROW if len(entries) < MANY else DENSE
    bottom = TOP + pitch * len(entries)
    shown = tried if len(tried) <= 12 else tried[:: -(-len(tried) // 12)]
    parts = [
        Markup(
            '<path d="M{0:.1f} {1}V{2}" class="grid"/><text x="{0:.1f}" y="{3}" class="t">{4:g}</text>'
        ).format(across(at), TOP, bottom, bottom + 16, at)
        for at in shown
    ]
    axis = "multiplier (logarithmic)" if log else "multiplier"
    parts.append(axis_names(axis, "layer", (WIDTH / 2, bottom + 34), (12, (TOP + bottom) / 2)))
    parts += [_row(entry, across, TOP + pitch * (number + 0.5)) for number, entry in enumerate(entries)]
    return picture(f"Multiplier windows by layer: {title}", (WIDTH, bottom + 42), parts)


def _wide(strengths: Sequence[float]) -> bool:
    """Whether strengths, the weakest first, are so far apart that their axis is logarithmic."""
    return strengths[0] > 0 and strengths[-1] / strengths[0] >= SPREAD


def _row(entry: Window, across: Scale, y: float) -> Markup:
    parts = [Markup('<text x="{}" y="{:.1f}" class="e">{}</text>').format(LEFT - 8, y + 4, entry.layer)]
    for found in entry.ranges:
        start, end = (across(end.multiplier or 0.0) for end in (found.from_, found.to))
        # half a bar's height around a window of one strength
        parts.append(
            Markup('<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="10" rx="5" fill="{}"/>').format(
                start - 5, y - 5, end - start + 10, LABELS["refusal"]
            )
        )
        ends = ((found.open_below, start, -1), (found.open_above, end, 1))
        parts += [
            Markup('<path d="M{:.1f} {:.1f}l{} 4l{} 4" class="open"/>').format(
                at + way * 8, y - 4, 4 * way, -4 * way
            )
            for is_open, at, way in ends
            if is_open
        ]
    parts += [
        Markup(
            '<circle cx="{:.1f}" cy="{:.1f}" r="2" class="tried">'
            "<title>layer {}, multiplier {:g}: {}</title></circle>"
        ).format(across(one.multiplier or 0.0), y, entry.layer, one.multiplier, one.state)
        for one in entry.tried
    ]
    if entry.garbling is not None:
        x = across(entry.garbling.multiplier or 0.0)
        parts.append(
            Markup('<path d="M{:.1f} {:.1f}l8 8m0 -8l-8 8" class="garbles" stroke="{}"/>').format(
                x - 4, y - 4, LABELS["garbled"]
            )
        )
    return Markup("").join(parts)
