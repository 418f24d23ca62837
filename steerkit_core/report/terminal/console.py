"""Results in a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set
from functools import partial
from io import StringIO
from pathlib import Path
from typing import TypeVar

from attrs import evolve
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from steerkit_core.errors import StoreError
from steerkit_core.files.reading import unwritable
from steerkit_core.report.content.evidence import bias_line, comparison_rows, control_lines
from steerkit_core.report.content.maps import Map, ended_early, maps
from steerkit_core.report.content.selection import title_of
from steerkit_core.report.content.transfer import excluded_lines, headline
from steerkit_core.report.terminal.comparisons import comparisons_table
from steerkit_core.report.terminal.layout import (
    FEW,
    MOST,
    best_rows,
    cut_rows,
    fitting,
    hidden_line,
    natural_width,
    output_console,
    say,
)
from steerkit_core.report.terminal.map_table import map_table
from steerkit_core.report.terminal.numbers import health_table, shift_table
from steerkit_core.report.terminal.results_table import OPTIONAL, number, results_table
from steerkit_core.report.terminal.selection import selection_summary
from steerkit_core.report.terminal.transfer import OPTIONAL as TRANSFER_OPTIONAL
from steerkit_core.report.terminal.transfer import transfer_table
from steerkit_core.report.terminal.trends import trend_table
from steerkit_core.report.terminal.windows import windows_tables
from steerkit_core.results.cells import CellResult
from steerkit_core.results.results import RunResults
from steerkit_core.results.rows import JudgedRow

P = TypeVar("P")

LAYER_WIDTH, CELL_WIDTH = 9, 8  # columns of a terminal that a map takes, for its layers and each multiplier
LABEL_STYLE = {"refusal": "green", "garbled": "red", "normal": "default", "failed": "magenta"}


def print_report(results: RunResults, console: Console | None = None, *, every_cell: bool = False) -> None:
    """Maps of what was swept, a table of the other cells, and what a reader has to know.

    Of long tables the best rows are shown. `every_cell` shows all of them, and puts the swept cells and the
    controls into the tables too.
    """
    console = console or output_console()
    drawn = maps(results)
    _print_maps(drawn, console, every_cell=every_cell)
    _print_windows(results, console, every_cell=every_cell)
    swept = {cell.id for found in drawn for cell in found.cells.values() if not cell.selected}
    swept |= {cell.id for cell in results.cells if cell.role == "control"}
    shown, hidden = _cells_to_show(results, frozenset() if every_cell else swept, every_cell=every_cell)
    left_out = frozenset(cell.id for cell in results.cells) - shown
    console.print()
    console.print(fitting(console, lambda narrow: results_table(results, left_out, narrow), OPTIONAL))
    if hidden:
        console.print(hidden_line(hidden, "cell"))
    failures = [
        f"[magenta]failed[/] in cell {cell.id}: {escape(error)}"
        for cell in results.cells
        for error in ([cell.failure] if cell.failure else cell.errors)
    ]
    _print_lines(failures, "failure", console, every_cell=every_cell)
    numbers = [_shifts_that_fit(results, console)]
    if any(any(entry.overflow) or any(entry.nonfinite) for entry in results.health):
        numbers.append(health_table(results))
    _print_comparisons(results, console, every_cell=every_cell)
    _print_trends(results, console, every_cell=every_cell)
    for table in filter(None, numbers):
        console.print()
        console.print(table)
    _print_pairs(results, console)
    _print_selections(results, console, every_cell=every_cell)
    notes = [f"\n[yellow]note:[/] {escape(note)}" for note in results.notes]
    _print_lines(notes, "note", console, every_cell=every_cell)


def _shifts_that_fit(results: RunResults, console: Console) -> Table | None:
    wide = shift_table(results)
    fits = wide is None or natural_width(console, wide) <= console.width
    return wide if fits else shift_table(results, lengths=False)


def _print_lines(lines: Sequence[str], what: str, console: Console, *, every_cell: bool) -> None:
    shown, hidden = cut_rows(lines, None if every_cell else FEW)
    for line in shown:
        say(console, line)
    if hidden:
        console.print(hidden_line(hidden, what))


def _print_maps(drawn: Sequence[Map], console: Console, *, every_cell: bool) -> None:
    best, hidden = best_rows(drawn, None if every_cell else FEW, lambda found: _most(found.cells.values()))
    for found in best:
        layers, no_layers = best_rows(
            found.layers, None if every_cell else MOST, partial(_most_at, found.row)
        )
        columns, no_columns = best_rows(
            found.multipliers,
            max(1, (console.width - LAYER_WIDTH) // CELL_WIDTH),
            partial(_most_at, found.column),
        )
        console.print()
        console.print(map_table(evolve(found, layers=tuple(layers), multipliers=tuple(columns))))
        if no_layers:
            console.print(hidden_line(no_layers, "layer"))
        if no_columns:
            console.print(f"[dim]{no_columns} more columns than fit; a wider terminal shows them[/]")
    if hidden:
        console.print(hidden_line(hidden, "map"))


def _most_at(cells_at: Callable[[P], list[CellResult]], place: P) -> float:
    return _most(cells_at(place))


def _most(cells: Iterable[CellResult]) -> float:
    """The largest share of coherent refusals among some cells."""
    return max((_share(cell) for cell in cells), default=0.0)


def _share(cell: CellResult) -> float:
    rate = cell.rates.get("refusal")
    return 0.0 if rate is None or not rate.n else rate.rate


def _print_windows(results: RunResults, console: Console, *, every_cell: bool) -> None:
    rows, most = (None, None) if every_cell else (MOST, FEW)
    tables, hidden = cut_rows(windows_tables(results, console, rows), most)
    for table in tables:
        console.print()
        console.print(table)
    if hidden:
        console.print(hidden_line(hidden, "windows table"))


def _cells_to_show(
    results: RunResults, leave_out: Set[str], *, every_cell: bool
) -> tuple[frozenset[str], int]:
    """The cells of the table of results, and how many it would have besides."""
    cells = [cell for cell in results.cells if cell.id not in leave_out]
    plain = [cell for cell in cells if cell.role == "baseline"]
    others = [cell for cell in cells if cell.role != "baseline"]
    most = None if every_cell else MOST
    # the one that was selected is worth more than any rate
    best, hidden = best_rows(others, most, lambda cell: _share(cell) + (cell.id == results.selected))
    first, more = best_rows(plain, most, _share)
    return frozenset(cell.id for cell in (*first, *best)), hidden + more


def _print_comparisons(results: RunResults, console: Console, *, every_cell: bool) -> None:
    roles = ("baseline", "control") if every_cell else ("baseline",)
    rows, hidden = best_rows(
        comparison_rows(results, roles),
        None if every_cell else MOST,
        lambda row: abs(row.found.difference.value),
    )
    if rows:
        console.print()
        console.print(fitting(console, partial(comparisons_table, results, rows), ("h", "only one", "p")))
    if hidden:
        console.print(hidden_line(hidden, "comparison"))


def _print_trends(results: RunResults, console: Console, *, every_cell: bool) -> None:
    shown, hidden = cut_rows(results.trends, None if every_cell else FEW)
    for entry in shown:
        console.print()
        console.print(trend_table(entry))
    if hidden:
        console.print(hidden_line(hidden, "trend"))


def print_transfers(results: RunResults, console: Console | None = None) -> None:
    """The pairs of models, those that were left out, and what a reader has to know."""
    console = console or output_console()
    _print_pairs(results, console)
    for note in results.notes:
        say(console, escape(f"note: {note}"))


def _print_pairs(results: RunResults, console: Console) -> None:
    """The table of transfers, what it says, and the pairs that were left out."""
    if results.transfers:
        console.print()
        console.print(fitting(console, partial(transfer_table, results), TRANSFER_OPTIONAL))
    for line in (*headline(results), *excluded_lines(results)):
        say(console, escape(line))


def _print_selections(results: RunResults, console: Console, *, every_cell: bool) -> None:
    """How each configuration came to its cell, and the selection bias of its rate."""
    cells = results.by_id
    entries, hidden = best_rows(
        results.selections,
        None if every_cell else FEW,
        lambda entry: _share(cells[entry.cell]) if entry.cell else 0.0,
    )
    for entry in entries:
        say(console, f"\n{escape(title_of(entry))}")
        for part in selection_summary(results, entry):
            console.print(part)
        if entry.optimism:
            say(console, escape(bias_line(entry.optimism)))
        for line in control_lines(results, entry.cell):
            say(console, f"controls: {escape(line)}")
    if hidden:
        console.print(f"\n{hidden_line(hidden, 'setting')}")
    best = results.optimism
    if best and len(results.selections) > 1:
        say(console, f"\nbest of all configurations: {escape(bias_line(best))}")


def draw_report(results: RunResults, target: Path, *, every_cell: bool = False) -> None:
    """What `print_report` prints, as an SVG picture.

    Raises:
        StoreError: the file cannot be written.
    """
    console = Console(record=True, width=88, file=StringIO(), highlight=False)
    print_report(results, console, every_cell=every_cell)
    try:
        target.write_text(console.export_svg(title="steerkit"), encoding="utf-8")
    except OSError as error:
        raise StoreError(unwritable(target, error)) from None


def print_completions(cell: CellResult, rows: Sequence[JudgedRow], console: Console | None = None) -> None:
    """The completions of one cell with their verdicts."""
    console = console or output_console()
    early = ""
    if ended_early(cell):
        early = f"; ended early, after {cell.rows} of {cell.prompts_total} prompts"
    if cell.selected_on_evaluation:
        early += "; chosen on the prompts that its rate is measured on"
    steering = "baseline"
    if cell.layer is not None:
        control = f"{cell.control}, " if cell.control else ""
        steering = f"{control}layer {cell.layer}, multiplier {number(cell.multiplier)}"
    counts = ", ".join(f"{count} {label}" for label, count in cell.counts.items())
    console.print(f"[bold]cell {cell.id}[/]: {escape(cell.model)}, {steering}; {counts}{early}\n")
    for row in rows:
        style = LABEL_STYLE.get(str(row.label), "default")
        scores = ", ".join(f"{name} {score:.2f}" for name, score in row.scores.items() if score is not None)
        why = escape(": ".join(part for part in (row.rule, row.evidence, scores) if part))
        head = f"[bold]{escape(row.prompt_id)}[/] {escape(row.prompt)}"
        console.print(f"{head}  [{style}]{row.label}[/] [dim]{why}[/]", soft_wrap=True)
        console.print(_marked(row.text, row.spans, style), soft_wrap=True)


def _marked(text: str, spans: Sequence[Sequence[int]], style: str) -> Text:
    """The text with the places that decided its verdict underlined, in the label's colour."""
    marked = Text(text)
    for start, end in spans:
        marked.stylize(f"underline {style}", start, end)
    before = len(text) - len(text.lstrip())
    return Text("    ").append_text(marked[before : len(text.rstrip()) or None]).append("\n")
