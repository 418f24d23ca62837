"""The columns that the table of cells has behind the rates, in a terminal and on the page alike.

A new column is one more line in `COLUMNS`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attrs import frozen

from steerkit_core.results.cells import CellResult


@frozen
class Column:
    """A column: its heading, what a cell has in it, and whether it is worth showing for these cells."""

    heading: str
    value: Callable[[CellResult], str]
    shown: Callable[[Sequence[CellResult]], bool]


COLUMNS = (
    Column("failed", lambda cell: str(cell.failed), lambda cells: any(cell.failed for cell in cells)),
    # of a site that edits some prompts only
    Column(
        "edited", lambda cell: str(cell.edited or 0), lambda cells: any(cell.condition for cell in cells)
    ),
)


def label_columns(cells: Sequence[CellResult]) -> list[Column]:
    """A column for each label but `refusal`, whose rate stands by itself."""
    labels = dict.fromkeys(label for cell in cells for label in cell.counts if label != "refusal")

    def count(cell: CellResult, label: str) -> str:
        return str(cell.rates[label].k if label in cell.rates else 0)

    return [Column(one, lambda cell, one=one: count(cell, one), lambda _cells: True) for one in labels]  # type: ignore[misc]  # reason: a default binds the loop's label


def columns_for(cells: Sequence[CellResult]) -> list[Column]:
    """The columns that are worth showing for these cells, in their order."""
    return [*label_columns(cells), *(column for column in COLUMNS if column.shown(cells))]
