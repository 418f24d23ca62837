"""What a selector looked at: its table, row by row, the best first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from steerkit_core.report.layout import output_console, ruled_table, say

FEW = 5  # rows that are shown of a table unless all are asked for
MANY = 3  # settings with such a table; where there are more, none is shown unasked
LARGE = 1000  # from here on decimals say nothing

Entry = Mapping[str, Any]
Row = Mapping[str, Any]


def selection_summary(report: Mapping[str, Any], entry: Entry) -> Iterator[RenderableType]:
    """The best rows of a table that nothing else in the report shows, and how many more there are.

    Where a selector tried what it chose, the cells show it already.
    """
    own = [one for one in report["selections"] if one["table"] and one["refusal_rate"] is None]
    if entry not in own or len(entry["table"]) < 2:
        return
    shown = FEW if len(own) <= MANY else 0
    if shown:
        yield selection_table(report, entry, shown)
    rest = len(entry["table"]) - shown
    if rest > 0:
        yield Text(
            f"  {rest} {'more ' if shown else ''}candidates (--selection shows them all)", style="dim"
        )


def print_selections(report: Mapping[str, Any], console: Console | None = None) -> None:
    """Every table in full, and why the chosen row was chosen."""
    console = console or output_console()
    for entry in report["selections"]:
        say(console, f"\n{escape(title_of(entry))}")
        if entry["table"]:
            console.print(selection_table(report, entry, len(entry["table"])))
        else:
            console.print("  no table: it compares nothing", style="dim")


def title_of(entry: Entry) -> str:
    """The setting, the selector, and what it says of its choice."""
    cell = f" (cell {entry['cell']})" if entry["cell"] else ""
    # one that has tried nothing has not looked at these prompts
    seen = "" if entry["refusal_rate"] is None else f" on {entry['prompts']}"
    return f"{setting_of(entry)}{seen}: {entry['reason']}{cell}"


def setting_of(entry: Entry) -> str:
    """What the grid has set, and the selector."""
    changes = ", ".join(f"{place} = {_changed(value)}" for place, value in entry["overrides"].items())
    return f"{changes}: {entry['selector']}" if changes else str(entry["selector"])


def _changed(value: object) -> str:
    """What a grid has set; of a table its values, as their keys go without saying."""
    return ", ".join(map(str, value.values())) if isinstance(value, Mapping) else str(value)


def selection_table(report: Mapping[str, Any], entry: Entry, limit: int) -> Table:
    """The first `limit` rows; columns in which none of them has anything are left out."""
    rows = ordered(report, entry)[:limit]
    chosen = chosen_row(report, entry)
    table = ruled_table()
    table.add_column("", no_wrap=True)
    columns = columns_of(rows)
    for name in columns:
        words = any(isinstance(row.get(name), str) for row in rows)
        justify: Any = "left" if words else "right"
        table.add_column(escape(name), justify=justify, no_wrap=not words, overflow="fold")
    for row in rows:
        own = row is chosen
        style = "bold" if own else "dim" if row.get("excluded") else None
        table.add_row("*" if own else "", *(escape(entry_of(row, name)) for name in columns), style=style)
    return table


def ordered(report: Mapping[str, Any], entry: Entry) -> list[Row]:
    """The chosen row, then the others as the selector has them, those that it excluded last."""
    chosen = chosen_row(report, entry)
    rows: Sequence[Row] = entry["table"]
    return sorted(rows, key=lambda row: (row is not chosen, bool(row.get("excluded"))))


def chosen_row(report: Mapping[str, Any], entry: Entry) -> Row | None:
    """The row of the cell that was selected; None where the table does not tell."""
    cell = next((cell for cell in report["cells"] if cell["id"] == entry["cell"]), None)
    if cell is None:
        return None
    for row in entry["table"]:
        known = [key for key in ("layer", "position", "multiplier") if row.get(key) is not None]
        if "layer" in known and all(row[key] == cell[key] for key in known):
            found: Row = row
            return found
    return None


def columns_of(rows: Sequence[Row]) -> list[str]:
    """The columns in which any of these rows has something."""
    names = dict.fromkeys(name for row in rows for name in row)
    return [name for name in names if any(row.get(name) not in (None, "") for row in rows)]


def entry_of(row: Row, name: str) -> str:
    """What stands in a column of a row."""
    value = row.get(name)
    return f"{value:g}" if name == "multiplier" and isinstance(value, float) else in_words(value)


def in_words(value: Any) -> str:
    """A value of a table: four decimals, and nothing for null."""
    if isinstance(value, float):
        return f"{value:.4f}" if abs(value) < LARGE else f"{value:.4g}"
    return "" if value is None else str(value)
