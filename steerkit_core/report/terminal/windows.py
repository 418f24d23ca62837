"""Multiplier windows in a terminal."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from steerkit_core.report.content.windows import HEADINGS, window_groups, windows_caption
from steerkit_core.report.terminal.layout import best_rows, fitting, hidden_line, ruled_table, titled
from steerkit_core.results.results import RunResults


def windows_tables(
    results: RunResults, console: Console | None = None, most: int | None = None
) -> list[RenderableType]:
    """A table for all layers of one model, extractor, site and set of prompts, as wide as the console.

    Of more than `most` layers those with a window are shown.
    """
    console = console or Console()
    tables: list[RenderableType] = []
    for title, rows in window_groups(results):
        shown, hidden = best_rows(rows, most, lambda row: row[HEADINGS.index("window")] != "none")
        table = fitting(console, partial(_table, shown), ("residual", "garbles from", "tried"))
        more = Text.from_markup(hidden_line(hidden, "layer")) if hidden else Text()
        parts = titled(f"multiplier windows: {title}", table)
        tables.append(Group(parts, more) if hidden else parts)
    if tables:
        tables[-1] = Group(tables[-1], Text(windows_caption(results), style="dim italic"))
    return tables


def _table(rows: Sequence[tuple[str, ...]], left_out: Collection[str] = ()) -> Table:
    table = ruled_table()
    shown = [place for place, heading in enumerate(HEADINGS) if heading not in left_out]
    for place in shown:
        table.add_column(
            HEADINGS[place],
            justify="left" if HEADINGS[place] == "layer" else "right",
            no_wrap=True,
        )
    for row in rows:
        table.add_row(*(row[place] for place in shown))
    return table
