"""How much of a report a terminal shows: the rows and columns that fit, and how many are left out."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from copy import copy
from typing import TYPE_CHECKING, TypeVar

from rich.box import SIMPLE, Box
from rich.console import Console, Group
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from rich.padding import PaddingDimensions

T = TypeVar("T")

MOST = 20  # rows of a table unless all are asked for
FEW = 6  # tables of one kind, and lines of one kind that are no table
ENDLESS = 2000  # columns of what has no width


def output_console() -> Console:
    """Standard output; without COLUMNS a file or a pipe has no width, so that every row is one line."""
    console = Console(highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = ENDLESS
    return console


def say(console: Console, text: str) -> None:
    """A sentence, in rich's markup: between words on a terminal or in a picture, else on one line."""
    console.print(text, soft_wrap=not (console.record or console.is_terminal))


def cut_rows(rows: Sequence[T], most: int | None) -> tuple[Sequence[T], int]:
    """The first rows, and how many are left out; with None all of them."""
    if most is None or len(rows) <= most:
        return rows, 0
    return rows[:most], len(rows) - most


def best_rows(rows: Sequence[T], most: int | None, worth: Callable[[T], float]) -> tuple[Sequence[T], int]:
    """The rows that are worth most, in their own order, and how many are left out."""
    if most is None or len(rows) <= most:
        return rows, 0
    order = sorted(range(len(rows)), key=lambda place: (-worth(rows[place]), place))
    return [rows[place] for place in sorted(order[:most])], len(rows) - most


def fitting(console: Console, make: Callable[[frozenset[str]], Table], optional: Sequence[str]) -> Table:
    """A table without as many of its optional columns, the first ones first, as the width asks for.

    A column that is left out is better than one that is cut off. One with a least width may be wrapped.
    """
    table = make(frozenset())
    for number in range(1, len(optional) + 1):
        if natural_width(console, table) <= console.width:
            break
        table = make(frozenset(optional[:number]))
    return table


def natural_width(console: Console, table: Table) -> int:
    """How wide a table is with nothing cut, and what may be wrapped as narrow as it may be."""
    bare = Table(box=table.box, padding=table.padding)
    for column in table.columns:
        bare.columns.append(copy(column))
        bare.columns[-1].max_width = column.min_width
    bare.rows.extend(table.rows)
    return Measurement.get(console, console.options.update(width=10_000), bare).maximum


def plain_table(title: str = "") -> Table:
    """A table without lines."""
    return _table(title, "", None, (0, 2, 0, 0))


def ruled_table(title: str = "", caption: str = "") -> Table:
    """A table with a line below its headings, for columns that belong together."""
    return _table(title, caption, SIMPLE, (0, 1))


def _table(title: str, caption: str, box: Box | None, padding: PaddingDimensions) -> Table:
    return Table(
        title=title or None,
        title_justify="left",
        title_style="bold",
        caption=caption or None,
        caption_justify="left",
        header_style="bold",
        box=box,
        padding=padding,
    )


def titled(title: str, table: Table, caption: str = "") -> Group:
    """A table between a title and a caption as wide as the terminal, and not as narrow as the table."""
    below = [Text(caption, style="dim italic")] if caption else []
    return Group(Text(title, style="bold"), table, *below)


def hidden_line(hidden: int, what: str) -> str:
    """What stands below a table that was cut; `what` is one of those that are left out."""
    one, them = ("", "it") if hidden == 1 else ("s", "them")
    return f"[dim]{hidden} more {what}{one} (--all shows {them})[/]"
