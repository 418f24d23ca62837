"""What every table in a terminal shares: how many rows it shows, and its title over the full width."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from rich.console import Group
from rich.table import Table
from rich.text import Text

T = TypeVar("T")


def cut_rows(rows: Sequence[T], most: int | None) -> tuple[Sequence[T], int]:
    """The first rows, and how many are left out; with None all of them."""
    if most is None or len(rows) <= most:
        return rows, 0
    return rows[:most], len(rows) - most


def titled(title: str, table: Table, *captions: str) -> Group:
    """A table between a title and captions that are as wide as the terminal, and not as the table."""
    below = [Text(caption, style="dim italic") for caption in captions if caption]
    return Group(Text(title, style="bold italic"), table, *below)
