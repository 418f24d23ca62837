"""An unfinished run, in a terminal."""

from __future__ import annotations

from collections.abc import Sequence, Set
from functools import partial

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from steerkit_core.report.terminal.layout import (
    cut_rows,
    fitting,
    hidden_line,
    output_console,
    plain_table,
    say,
)
from steerkit_core.results.rows import CompletionRow
from steerkit_core.results.unfinished import Unfinished, UnfinishedCell

MOST = 40
VARYING = ("model", "quantization", "extractor", "site", "classifier")


def print_unfinished(
    found: Unfinished, console: Console | None = None, *, every_cell: bool = False
) -> None:
    """The cells that were begun, with how many rows they have, and how the run is finished."""
    console = console or output_console()
    name = escape(found.manifest.name)
    say(console, f"\n[bold]{name}[/] is [yellow]unfinished[/]: {found.progress}; nothing is judged yet")
    if found.cells:
        shown, hidden = cut_rows(found.cells, None if every_cell else MOST)
        console.print()
        console.print(fitting(console, partial(_table, shown), ("prompts", *reversed(VARYING))))
        if hidden:
            console.print(hidden_line(hidden, "cell"))
    console.print("\nread what is there with", soft_wrap=True)
    console.print(f"    steerkit show {escape(str(found.folder))} --cell ID", soft_wrap=True)
    console.print("and finish it with", soft_wrap=True)
    console.print(f"    {escape(found.command)}", soft_wrap=True)


def _table(cells: Sequence[UnfinishedCell], left_out: Set[str] = frozenset()) -> Table:
    varying = [
        key for key in VARYING if len({getattr(cell, key) for cell in cells if getattr(cell, key)}) > 1
    ]
    words = [key for key in (*varying, "prompts") if key not in left_out]
    failed = any(cell.failed for cell in cells)
    table = plain_table()
    for heading in ("cell", *words):
        table.add_column(heading, no_wrap=True)
    for heading in ("layer", "mult.", "done", *(["failed"] if failed else [])):
        table.add_column(heading, justify="right", no_wrap=True)
    for cell in cells:
        total = cell.prompts_total
        table.add_row(
            cell.id,
            *(escape(str(getattr(cell, key) or "-")) for key in words),
            _layer(cell),
            "-" if cell.multiplier is None else f"{cell.multiplier:g}",
            str(cell.completions) + ("" if total is None else f"/{total}"),
            *([str(cell.failed)] if failed else []),
        )
    return table


def _layer(cell: UnfinishedCell) -> str:
    if cell.role == "baseline":
        return "baseline"
    layer = "-" if cell.layer is None else str(cell.layer)
    return layer if cell.control is None else f"{cell.control}, {layer}"


def print_texts(rows: Sequence[CompletionRow], console: Console | None = None) -> None:
    """Texts that nobody has judged yet."""
    console = console or output_console()
    for row in rows:
        console.print(f"[bold]{escape(row.prompt_id)}[/] {escape(row.prompt)}", soft_wrap=True)
        text = row.text.strip() if row.error is None else f"failed: {row.error}"
        console.print(Text(f"    {text}\n"), soft_wrap=True)
