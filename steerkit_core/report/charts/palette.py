"""The colours of the page and of the figures: those of Okabe and Ito, and viridis.

Both are told apart with every common kind of colour blindness.
"""

from __future__ import annotations

LABELS = {"refusal": "#0072b2", "garbled": "#d55e00", "normal": "#999999", "failed": "#cc79a7"}
OTHER = "#e69f00"  # any other label

SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9")

# viridis at seventeen equal steps
SHADES = (
    "#440154",
    "#48186a",
    "#472d7b",
    "#424086",
    "#3b528b",
    "#33638d",
    "#2c728e",
    "#26828e",
    "#21918c",
    "#1fa088",
    "#28ae80",
    "#3fbc73",
    "#5ec962",
    "#84d44b",
    "#addc30",
    "#d8e219",
    "#fde725",
)


def label_colour(label: str) -> str:
    """The colour of a verdict."""
    return LABELS.get(label, OTHER)


def shade(share: float) -> str:
    """Viridis at `share`, from 0 to 1."""
    place = min(max(share, 0.0), 1.0) * (len(SHADES) - 1)
    low = min(int(place), len(SHADES) - 2)
    parts = (_rgb(SHADES[low]), _rgb(SHADES[low + 1]))
    mixed = (round(a + (b - a) * (place - low)) for a, b in zip(*parts, strict=True))
    return "#" + "".join(f"{value:02x}" for value in mixed)


def ink(colour: str) -> str:
    """Black or white, whichever is read more easily on `colour` (WCAG's relative luminance)."""
    channels = (value / 255 for value in _rgb(colour))
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    # where the contrasts to black and to white are equal
    return "#000" if luminance > 0.179 else "#fff"


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
