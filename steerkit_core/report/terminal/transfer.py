"""The table of a transfer in a terminal."""

from __future__ import annotations

import re
from collections.abc import Collection

from rich.markup import escape
from rich.table import Table

from steerkit_core.report.content.transfer import HEADINGS, legend, transfer_rows
from steerkit_core.report.terminal.layout import ruled_table
from steerkit_core.results.results import RunResults

OPTIONAL = ("mult.", "layer", "random", "cosine")  # what a narrow terminal leaves out first
NARROWEST = 8  # columns of a model's name
WORDS = ("source", "target")


def transfer_table(results: RunResults, left_out: Collection[str] = ()) -> Table:
    """Transfer efficiency of every pair.

    `left_out` names columns that there is no room for.
    """
    table = ruled_table(
        title="transfer: directions of one model in another, at the same relative depth",
        caption=legend(results, left_out),
    )
    for heading in WORDS:
        table.add_column(heading, overflow="fold", min_width=NARROWEST)
    shown = [place for place, heading in enumerate(HEADINGS) if heading not in left_out]
    for place in shown:
        table.add_column(HEADINGS[place], justify="right", no_wrap=True)
    for pair, columns in transfer_rows(results):
        # where it is narrow a name is better broken where it has a joint than anywhere
        names = [re.sub(r"([:/])", r"\1\n", name) if left_out else name for name in pair]
        table.add_row(*map(escape, names), *(columns[place] for place in shown))
    return table
