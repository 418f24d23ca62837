"""The charts' style sheet, for a page and for a file."""

from __future__ import annotations

import re
from importlib.resources import files


def page_style() -> str:
    """Colours by name, those of the reader's light or dark mode, and how charts use them."""
    return _text("colours.css") + _text("charts.css")


def file_style() -> str:
    """The same with the light colours in the place of their names, which not every program knows."""
    light = dict(re.findall(r"--(\w+): (#\w+)", _text("colours.css").partition("}")[0]))
    return re.sub(r"var\(--(\w+)\)", lambda found: light[found[1]], _text("charts.css"))


def _text(name: str) -> str:
    return files("steerkit_core.report.charts").joinpath(name).read_text(encoding="utf-8")
