"""What a selector looked at, in a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from steerkit_core.report.content.selection import (
    chosen_row,
    columns_of,
    entry_of,
    ordered,
    title_of,
)
from steerkit_core.report.terminal.layout import output_console, ruled_table, say
from steerkit_core.results.findings import SelectionResult
from steerkit_core.results.results import RunResults

FEW = 5  # rows that are shown of a table unless all are asked for
MANY = 3  # configurations with such a table; where there are more, none is shown unasked


def selection_summary(results: RunResults, entry: SelectionResult) -> Iterator[RenderableType]:
    """The best rows of a table that nothing else in the report shows, and how many more there are.

    Where a selector tried what it chose, the cells show it already.
    """
    own = [one for one in results.selections if one.table and one.refusal_rate is None]
    if entry not in own or len(entry.table) < 2:
        return
    shown = FEW if len(own) <= MANY else 0
    if shown:
        yield selection_table(results, entry, shown)
    rest = len(entry.table) - shown
    if rest > 0:
        yield Text(
            f"  {rest} {'more ' if shown else ''}candidates (--selection shows them all)", style="dim"
        )


def print_selections(results: RunResults, console: Console | None = None) -> None:
    """Every table in full, and why the chosen row was chosen."""
    console = console or output_console()
    for entry in results.selections:
        say(console, f"\n{escape(title_of(entry))}")
        if entry.table:
            console.print(selection_table(results, entry, len(entry.table)))
        else:
            console.print("  no table: it compares nothing", style="dim")


def selection_table(results: RunResults, entry: SelectionResult, limit: int) -> Table:
    """The first `limit` rows; columns in which none of them has anything are left out."""
    rows = ordered(results, entry)[:limit]
    chosen = chosen_row(results, entry)
    table = ruled_table()
    table.add_column("", no_wrap=True)
    columns = columns_of(rows)
    for name in columns:
        words = any(isinstance(row.get(name), str) for row in rows)
        table.add_column(
            escape(name),
            justify="left" if words else "right",
            no_wrap=not words,
            overflow="fold",
        )
    for row in rows:
        own = row is chosen
        style = "bold" if own else "dim" if row.get("excluded") else None
        table.add_row("*" if own else "", *(escape(entry_of(row, name)) for name in columns), style=style)
    return table
