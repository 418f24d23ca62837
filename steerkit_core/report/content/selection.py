"""What a selector looked at: its table, row by row, the best first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from steerkit_core.results.findings import SelectionResult
from steerkit_core.results.results import RunResults

LARGE = 1000  # from here on decimals say nothing

# a row of a selector's own table
Row = Mapping[str, object]


def title_of(entry: SelectionResult) -> str:
    """The configuration, the selector, and what it says of its choice."""
    cell = f" (cell {entry.cell})" if entry.cell else ""
    # one that has tried nothing has not looked at these prompts
    seen = "" if entry.refusal_rate is None else f" on {entry.prompts}"
    return f"{setting_of(entry)}{seen}: {entry.reason}{cell}"


def setting_of(entry: SelectionResult) -> str:
    """What the grid has set, and the selector."""
    changes = ", ".join(f"{place} = {_changed(value)}" for place, value in entry.overrides.items())
    return f"{changes}: {entry.selector}" if changes else str(entry.selector)


def _changed(value: object) -> str:
    """What a grid has set; of a table its values, as their keys go without saying."""
    return ", ".join(map(str, value.values())) if isinstance(value, Mapping) else str(value)


def ordered(results: RunResults, entry: SelectionResult) -> list[Row]:
    """The chosen row, then the others as the selector has them, those that it excluded last."""
    chosen = chosen_row(results, entry)
    return sorted(entry.table, key=lambda row: (row is not chosen, bool(row.get("excluded"))))


def chosen_row(results: RunResults, entry: SelectionResult) -> Row | None:
    """The row of the cell that was selected; None where the table does not tell."""
    cell = None if entry.cell is None else results.by_id.get(entry.cell)
    if cell is None:
        return None
    for row in entry.table:
        known = [key for key in ("layer", "position", "multiplier") if row.get(key) is not None]
        if "layer" in known and all(row[key] == getattr(cell, key) for key in known):
            return row
    return None


def columns_of(rows: Sequence[Row]) -> list[str]:
    """The columns in which any of these rows has something."""
    names = dict.fromkeys(name for row in rows for name in row)
    return [name for name in names if any(row.get(name) not in (None, "") for row in rows)]


def entry_of(row: Row, name: str) -> str:
    """What stands in a column of a row."""
    value = row.get(name)
    return f"{value:g}" if name == "multiplier" and isinstance(value, float) else in_words(value)


def in_words(value: object) -> str:
    """A value of a table: four decimals, and nothing for null."""
    if isinstance(value, float):
        return f"{value:.4f}" if abs(value) < LARGE else f"{value:.4g}"
    return "" if value is None else str(value)
