"""Between which strengths each layer steers."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from steerkit_core.report.charts.picture import LEFT, RIGHT, TOP, svg
from steerkit_core.report.palette import LABELS
from steerkit_core.report.record import Entry, RunRecord
from steerkit_core.report.scales import Scale
from steerkit_core.report.sections.base import Section
from steerkit_core.report.windows import HEADINGS, window_families, window_row, windows_caption

MOST = 8
WIDTH, ROW = 640, 22
MANY, DENSE = 30, 12  # layers, from which on the rows are so narrow
SPREAD = 8  # from this ratio of strengths on the axis is logarithmic, and says so


def section(run: RunRecord) -> Section | None:
    """None where no layer was tried with several strengths."""
    found = window_families(run.report)
    if not found:
        return None
    shown = list(found.items())[: run.limit(MOST)]
    drawn = [
        {"title": title, "chart": chart(title, entries), "rows": [window_row(one) for one in entries]}
        for title, entries in shown
    ]
    values = {
        "headings": HEADINGS,
        "caption": windows_caption(run.report),
        "drawn": drawn,
        "left_out": len(found) - len(shown),
    }
    return Section("windows", "Multiplier windows", values)


def chart(title: str, entries: Sequence[Entry]) -> Markup:
    """A row for each layer: what was tried, where it steers, and from where on it garbles."""
    tried = sorted({one["multiplier"] for entry in entries for one in entry["tried"]})
    log = wide(tried)
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
    parts.append(
        Markup(
            '<text x="{0}" y="{1}" class="t">{3}</text>'
            '<text x="12" y="{2}" class="t" transform="rotate(-90 12 {2})">layer</text>'
        ).format(WIDTH / 2, bottom + 34, (TOP + bottom) / 2, axis(log=log))
    )
    parts += [_row(entry, across, TOP + pitch * (number + 0.5)) for number, entry in enumerate(entries)]
    return svg(f"Multiplier windows by layer: {title}", (WIDTH, bottom + 42), parts)


def wide(strengths: Sequence[float]) -> bool:
    """Whether strengths, the weakest first, are so far apart that their axis is logarithmic."""
    return strengths[0] > 0 and strengths[-1] / strengths[0] >= SPREAD


def axis(*, log: bool) -> str:
    """What the axis of strengths says."""
    return "multiplier (logarithmic)" if log else "multiplier"


def _row(entry: Entry, across: Scale, y: float) -> Markup:
    parts = [Markup('<text x="{}" y="{:.1f}" class="e">{}</text>').format(LEFT - 8, y + 4, entry["layer"])]
    for found in entry["ranges"]:
        start, end = (across(found[name]["multiplier"]) for name in ("from", "to"))
        # half a bar's height around a window of one strength
        parts.append(
            Markup('<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="10" rx="5" fill="{}"/>').format(
                start - 5, y - 5, end - start + 10, LABELS["refusal"]
            )
        )
        ends = ((found["open_below"], start, -1), (found["open_above"], end, 1))
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
        ).format(across(one["multiplier"]), y, entry["layer"], one["multiplier"], one["state"])
        for one in entry["tried"]
    ]
    if entry["garbling"] is not None:
        x = across(entry["garbling"]["multiplier"])
        parts.append(
            Markup('<path d="M{:.1f} {:.1f}l8 8m0 -8l-8 8" class="garbles" stroke="{}"/>').format(
                x - 4, y - 4, LABELS["garbled"]
            )
        )
    return Markup("").join(parts)
