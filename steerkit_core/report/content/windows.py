"""Multiplier windows as people read them."""

from __future__ import annotations

from steerkit_core.counting.windows import ALIKE
from steerkit_core.report.content.maps import USUAL, in_words
from steerkit_core.results.findings import Window
from steerkit_core.results.results import RunResults

SHOWN = 3  # strengths at a layer, from which on a window is worth a line

HEADINGS = ("layer", "tried", "window", "residual", "garbles from", "best")


def window_families(results: RunResults) -> dict[str, list[Window]]:
    """Windows worth a line, layer by layer, by the title of all that they have in common but the layer."""
    grouped: dict[str, list[Window]] = {}
    for entry in sorted(results.windows, key=lambda one: one.layer):
        if len(entry.tried) >= SHOWN:
            parts = [in_words(name, getattr(entry, name)) for name in ALIKE]
            title = ", ".join(part for part in parts if part not in USUAL)
            grouped.setdefault(title, []).append(entry)
    return grouped


def window_groups(results: RunResults) -> list[tuple[str, list[tuple[str, ...]]]]:
    """Windows as (title, rows as `HEADINGS` names them)."""
    return [
        (title, [window_row(entry) for entry in entries])
        for title, entries in window_families(results).items()
    ]


def window_row(entry: Window) -> tuple[str, ...]:
    """One layer's window; `<` and `>` stand where it may go on beyond what is known."""
    garbling, best = entry.garbling, entry.best
    tried = f"{entry.from_.multiplier:.3g} to {entry.to.multiplier:.3g}"
    failed, unknown = (sum(one.state == state for one in entry.tried) for state in ("failed", "unknown"))
    tried += f", {failed} failed" if failed else ""
    tried += f", {unknown} undecided" if unknown else ""
    return (
        str(entry.layer),
        tried,
        _ranges(entry, "multiplier"),
        _ranges(entry, "residual"),
        "-" if garbling is None else f"{'< ' * garbling.open_below}{garbling.multiplier:.3g}",
        "-" if best is None else f"{best.multiplier:.3g}",
    )


def windows_caption(results: RunResults) -> str:
    """What the columns of these tables mean."""
    first = results.windows[0]
    split = any(len(entry.ranges) > 1 for entry in results.windows)
    return (
        f"window: multipliers with at least {100 * first.steerable_from:.0f}% coherent refusals, and the"
        " same in lengths of the mean residual stream; < and >: it ends where nothing further is known;"
        f" breaks from: the weakest with at least {100 * first.garbling_from:.0f}% garbled"
        + ("; of a window in several pieces, what lies between them steers less" if split else "")
    )


def _ranges(entry: Window, key: str) -> str:
    if not entry.ranges:
        return "none"
    return "; ".join(
        ("< " if found.open_below else "")
        + _span(getattr(found.from_, key), getattr(found.to, key))
        + (" >" if found.open_above else "")
        for found in entry.ranges
    )


def _span(first: float | None, last: float | None) -> str:
    if first is None or last is None:
        return "-"
    return f"{first:.3g}" if first == last else f"{first:.3g} to {last:.3g}"
