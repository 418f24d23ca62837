"""Rates by model size in a terminal."""

from __future__ import annotations

from rich.console import Group
from rich.markup import escape

from steerkit_core.report.content.trends import HEADINGS, trend_line, trend_rows, trend_title
from steerkit_core.report.terminal.layout import ruled_table, titled
from steerkit_core.results.findings import Trend


def trend_table(entry: Trend) -> Group:
    """A trend in a terminal."""
    table = ruled_table()
    for heading in HEADINGS:
        table.add_column(heading, justify="left" if heading == "model" else "right", no_wrap=True)
    for row in trend_rows(entry):
        table.add_row(*map(escape, row))
    caption = f"{trend_line(entry)}; strength: in lengths of the mean residual stream"
    return titled(trend_title(entry), table, caption)
