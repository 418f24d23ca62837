"""A list of runs in a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from steerkit_core.report.content.percent import interval
from steerkit_core.report.terminal.layout import natural_width, output_console, plain_table
from steerkit_core.results.overview import LABEL, RunRow

STYLES = {"done": "green", "unfinished": "yellow", "broken": "red"}


def print_runs(rows: Sequence[RunRow], console: Console | None = None) -> None:
    """A line for each run, or a few where a line does not fit; then what is to be said of single runs."""
    console = console or output_console()
    table = _table(rows)
    if natural_width(console, table) <= console.width:
        console.print(table)
        for row in rows:
            if row.detail:
                line = f"\n{escape(row.folder)}: {_state(row)}, {escape(row.detail)}"
                console.print(line, soft_wrap=True)
        _explain(rows, console)
        return
    for row in rows:
        detail = f", {escape(row.detail)}" if row.detail else ""
        console.print(f"[bold]{escape(row.folder)}[/]  [dim]{_when(row)}[/]", soft_wrap=True)
        console.print(f"    {_state(row)}{detail}", soft_wrap=True)
        line = ", ".join(part for part in (row.model, row.extractor, row.selector) if part)
        if line:
            console.print(f"    {escape(line)}", soft_wrap=True)
        if row.cell:
            console.print(f"    {_where(row)}: {_rate(row)}", soft_wrap=True)
    _explain(rows, console)


def _explain(rows: Sequence[RunRow], console: Console) -> None:
    if any(row.selected_on_evaluation for row in rows):
        console.print("\n\u2020 chosen on the prompts that its rate is measured on")


def _table(rows: Sequence[RunRow]) -> Table:
    table = plain_table()
    for heading in ("run", "model", "method", "state", "layer", "mult.", LABEL, "95% CI", "when"):
        right = heading in ("layer", "mult.", LABEL, "95% CI")
        table.add_column(
            heading,
            justify="right" if right else "left",
            overflow="fold",
            no_wrap=right or heading == "when",
        )
    for row in rows:
        rate = row.rate
        table.add_row(
            escape(row.folder),
            escape(row.model),
            escape(", ".join(part for part in (row.extractor, row.selector) if part)),
            _state(row),
            "-" if row.layer is None else str(row.layer),
            "-" if row.multiplier is None else f"{row.multiplier:g}",
            "-" if rate is None else f"{_mark(row)}{rate.k}/{rate.n}",
            "-" if rate is None else interval(rate, "-"),
            _when(row),
        )
    return table


def _state(row: RunRow) -> str:
    return f"[{STYLES[row.state]}]{row.state}[/]"


def _where(row: RunRow) -> str:
    strength = "" if row.multiplier is None else f", multiplier {row.multiplier:g}"
    return f"layer {row.layer}{strength}"


def _rate(row: RunRow) -> str:
    return (
        "-"
        if row.rate is None
        else f"{_mark(row)}{row.rate.k}/{row.rate.n} {LABEL}, {interval(row.rate, '-')}"
    )


def _mark(row: RunRow) -> str:
    return "\u2020 " if row.selected_on_evaluation else ""


def _when(row: RunRow) -> str:
    """The time in this place's own zone."""
    if row.when is None:
        return "-"
    try:
        return datetime.fromisoformat(row.when).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return escape(row.when)
