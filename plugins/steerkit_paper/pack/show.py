"""A replication in a terminal."""

from __future__ import annotations

from collections.abc import Collection

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from steerkit_paper.pack.replication import Replication, TableResult
from steerkit_paper.pack.wording import heading, line, overview, summary
from steerkit_paper.terminal import Notes, new_table

WIDE = 110  # columns of a terminal that has room for the difference, and for where our numbers stand
STYLE = {"agrees": "green", "differs": "red", "not comparable": "yellow"}


def print_replication(
    replication: Replication, tables: Collection[str] = (), console: Console | None = None
) -> None:
    """The claims and cells of some tables, by default of all; then an overview of all."""
    console = console or Console(highlight=False)
    for table in replication.tables:
        if tables and table.table.id not in tables:
            continue
        console.print(f"\n[bold]{escape(heading(table))}[/]")
        if table.claims:
            console.print(_claims(table))
        notes = Notes()
        console.print(_cells(table, notes, wide=console.width >= WIDE))
        notes.print(console)
    console.print()
    if not replication.pack.same_models:
        console.print(f"[yellow]note:[/] {escape(replication.pack.mapping.stand_in)}\n")
    console.print(_overview(replication))
    for text in summary(replication):
        console.print(escape(text))


def _overview(replication: Replication) -> Table:
    """How many claims and cells of each table agree, differ, or cannot be compared."""
    shown = new_table(padding=(0, 1))
    shown.add_column("agree / differ / not comparable", overflow="fold")
    for title in ("claims", "cells"):
        shown.add_column(title, justify="right", no_wrap=True)
    for entry in overview(replication):
        counts = (entry.claim_counts, entry.cells)
        shown.add_row(escape(entry.title), *(" / ".join(map(str, count.values())) for count in counts))
    return shown


def _claims(table: TableResult) -> Table:
    shown = new_table()
    for title in ("the paper says", "on its counts", "on ours", "verdict"):
        shown.add_column(title, overflow="fold")
    for found in table.claims:
        shown.add_row(
            escape(found.claim.says),
            *(
                f"{side.outcome}\n[dim]{escape(side.numbers)}[/]" if side.numbers else side.outcome
                for side in (found.paper, found.ours)
            ),
            f"[{STYLE[found.verdict]}]{found.verdict}[/]",
        )
    return shown


def _cells(table: TableResult, notes: Notes, *, wide: bool) -> Table:
    shown = new_table(padding=(0, 1))
    shown.add_column("", overflow="fold", min_width=12)
    # a word of the paper may be long, and the number of a reason is not to be cut off for it
    shown.add_column("paper", overflow="fold", min_width=5, max_width=None if wide else 10)
    for title in ("by prompt", "ours", *(["in", "difference"] if wide else []), "verdict"):
        shown.add_column(title, no_wrap=True)
    last = ""
    for row in table.rows:
        entry = line(row)
        if entry.row != last:
            shown.add_row(f"[bold]{escape(entry.row)}[/]")
            last = entry.row
        shown_by_interval = entry.verdict != "not comparable" and entry.difference
        mark = "" if shown_by_interval else notes.mark(entry.why)
        words = [entry.column, entry.printed, entry.by_prompt, entry.ours]
        words += [entry.where, entry.difference] if wide else []
        shown.add_row(*map(escape, words), f"[{STYLE[entry.verdict]}]{entry.verdict}[/]{mark}")
    return shown
