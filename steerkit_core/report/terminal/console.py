"""Results in a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

from attrs import evolve
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from steerkit_core.errors import StoreError
from steerkit_core.files.reading import unwritable
from steerkit_core.report.content.evidence import comparison_rows, control_lines, luck_line
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
from steerkit_core.report.terminal.numbers import drift_table, health_table
from steerkit_core.report.terminal.results_table import OPTIONAL, number, results_table
from steerkit_core.report.terminal.selection import selection_summary
from steerkit_core.report.terminal.transfer import OPTIONAL as TRANSFER_OPTIONAL
from steerkit_core.report.terminal.transfer import transfer_table
from steerkit_core.report.terminal.trends import trend_table
from steerkit_core.report.terminal.windows import windows_tables

LAYER_WIDTH, CELL_WIDTH = 9, 8  # columns of a terminal that a map takes, for its layers and each multiplier
LABEL_STYLE = {"refusal": "green", "garbled": "red", "normal": "default", "failed": "magenta"}


def print_report(
    report: Mapping[str, Any], console: Console | None = None, *, every_cell: bool = False
) -> None:
    """Maps of what was swept, a table of the other cells, and what a reader has to know.

    Of long tables the best rows are shown. `every_cell` shows all of them, and puts the swept cells and the
    controls into the tables too.
    """
    console = console or output_console()
    drawn = maps(report)
    _print_maps(drawn, console, every_cell=every_cell)
    _print_windows(report, console, every_cell=every_cell)
    swept = {cell["id"] for found in drawn for cell in found.cells.values() if not cell["selected"]}
    swept |= {cell["id"] for cell in report["cells"] if cell["role"] == "control"}
    shown, hidden = _cells_to_show(report, frozenset() if every_cell else swept, every_cell=every_cell)
    left_out = frozenset(cell["id"] for cell in report["cells"]) - shown
    console.print()
    console.print(fitting(console, lambda narrow: results_table(report, left_out, narrow), OPTIONAL))
    if hidden:
        console.print(hidden_line(hidden, "cell"))
    failures = [
        f"[magenta]failed[/] in cell {cell['id']}: {escape(error)}"
        for cell in report["cells"]
        for error in ([cell["sick"]] if cell.get("sick") else cell["errors"])
    ]
    _print_lines(failures, "failure", console, every_cell=every_cell)
    numbers = [_drift_that_fits(report, console)]
    if any(any(entry["overflow"]) or any(entry["nonfinite"]) for entry in report.get("health", ())):
        numbers.append(health_table(report))
    _print_comparisons(report, console, every_cell=every_cell)
    _print_trends(report, console, every_cell=every_cell)
    for table in filter(None, numbers):
        console.print()
        console.print(table)
    _print_pairs(report, console)
    _print_selections(report, console, every_cell=every_cell)
    notes = [f"\n[yellow]note:[/] {escape(note)}" for note in report["notes"]]
    _print_lines(notes, "note", console, every_cell=every_cell)


def _drift_that_fits(report: Mapping[str, Any], console: Console) -> Table | None:
    wide = drift_table(report)
    fits = wide is None or natural_width(console, wide) <= console.width
    return wide if fits else drift_table(report, lengths=False)


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


def _most_at(cells_at: Callable[[Any], list[Mapping[str, Any]]], place: float) -> float:
    return _most(cells_at(place))


def _most(cells: Iterable[Mapping[str, Any]]) -> float:
    """The largest share of coherent refusals among some cells."""
    return max((_share(cell) for cell in cells), default=0.0)


def _share(cell: Mapping[str, Any]) -> float:
    rate = cell["rates"].get("refusal")
    return 0.0 if rate is None or not rate["n"] else float(rate["rate"])


def _print_windows(report: Mapping[str, Any], console: Console, *, every_cell: bool) -> None:
    rows, most = (None, None) if every_cell else (MOST, FEW)
    tables, hidden = cut_rows(windows_tables(report, console, rows), most)
    for table in tables:
        console.print()
        console.print(table)
    if hidden:
        console.print(hidden_line(hidden, "windows table"))


def _cells_to_show(
    report: Mapping[str, Any], leave_out: Set[str], *, every_cell: bool
) -> tuple[frozenset[str], int]:
    """The cells of the table of results, and how many it would have besides."""
    cells = [cell for cell in report["cells"] if cell["id"] not in leave_out]
    plain = [cell for cell in cells if cell["role"] == "baseline"]
    others = [cell for cell in cells if cell["role"] != "baseline"]
    most = None if every_cell else MOST
    # the one that was selected is worth more than any rate
    best, hidden = best_rows(others, most, lambda cell: _share(cell) + (cell["id"] == report["selected"]))
    first, more = best_rows(plain, most, _share)
    return frozenset(cell["id"] for cell in (*first, *best)), hidden + more


def _print_comparisons(report: Mapping[str, Any], console: Console, *, every_cell: bool) -> None:
    roles = ("baseline", "control") if every_cell else ("baseline",)
    rows, hidden = best_rows(
        comparison_rows(report, roles),
        None if every_cell else MOST,
        lambda row: abs(row[2]["difference"]["value"]),
    )
    if rows:
        console.print()
        console.print(fitting(console, partial(comparisons_table, report, rows), ("h", "only one", "p")))
    if hidden:
        console.print(hidden_line(hidden, "comparison"))


def _print_trends(report: Mapping[str, Any], console: Console, *, every_cell: bool) -> None:
    shown, hidden = cut_rows(report.get("trends", ()), None if every_cell else FEW)
    for entry in shown:
        console.print()
        console.print(trend_table(entry))
    if hidden:
        console.print(hidden_line(hidden, "trend"))


def print_transfers(report: Mapping[str, Any], console: Console | None = None) -> None:
    """The pairs of models, those that were left out, and what a reader has to know."""
    console = console or output_console()
    _print_pairs(report, console)
    for note in report["notes"]:
        say(console, escape(f"note: {note}"))


def _print_pairs(report: Mapping[str, Any], console: Console) -> None:
    """The table of transfers, what it says, and the pairs that were left out."""
    if report.get("transfers"):
        console.print()
        console.print(fitting(console, partial(transfer_table, report), TRANSFER_OPTIONAL))
    for line in (*headline(report), *excluded_lines(report)):
        say(console, escape(line))


def _print_selections(report: Mapping[str, Any], console: Console, *, every_cell: bool) -> None:
    """How each setting came to its cell, and how much of that cell's rate is luck."""
    cells = {cell["id"]: cell for cell in report["cells"]}
    entries, hidden = best_rows(
        report["selections"],
        None if every_cell else FEW,
        lambda entry: _share(cells[entry["cell"]]) if entry["cell"] in cells else 0.0,
    )
    for entry in entries:
        say(console, f"\n{escape(title_of(entry))}")
        for part in selection_summary(report, entry):
            console.print(part)
        if entry.get("optimism"):
            say(console, escape(luck_line(entry["optimism"])))
        for line in control_lines(report, entry["cell"]):
            say(console, f"controls: {escape(line)}")
    if hidden:
        console.print(f"\n{hidden_line(hidden, 'setting')}")
    best = report.get("optimism")
    if best and len(report["selections"]) > 1:
        say(console, f"\nbest of all settings: {escape(luck_line(best))}")


def draw_report(report: Mapping[str, Any], target: Path, *, every_cell: bool = False) -> None:
    """What `print_report` prints, as an SVG picture.

    Raises:
        StoreError: the file cannot be written.
    """
    console = Console(record=True, width=88, file=StringIO(), highlight=False)
    print_report(report, console, every_cell=every_cell)
    try:
        target.write_text(console.export_svg(title="steerkit"), encoding="utf-8")
    except OSError as error:
        raise StoreError(unwritable(target, error)) from None


def print_completions(
    entry: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], console: Console | None = None
) -> None:
    """The completions of one cell with their verdicts."""
    console = console or output_console()
    asked = entry["n"] + entry["failed"]
    early = (
        f"; ended early, after {asked} of {entry['prompts_total']} prompts" if ended_early(entry) else ""
    )
    control = f"{entry['control']}, " if entry.get("control") else ""
    steering = (
        "unsteered"
        if entry["layer"] is None
        else f"{control}layer {entry['layer']}, multiplier {number(entry['multiplier'])}"
    )
    counts = ", ".join(f"{count} {label}" for label, count in entry["counts"].items())
    if entry.get("selected_on_evaluation"):
        early += "; chosen on the prompts that its rate is measured on"
    console.print(f"[bold]cell {entry['id']}[/]: {escape(entry['model'])}, {steering}; {counts}{early}\n")
    for row in rows:
        style = LABEL_STYLE.get(row["label"], "default")
        # a run of an earlier version has kept no scores
        scores = ", ".join(f"{name} {score:.2f}" for name, score in row.get("scores", {}).items())
        why = escape(": ".join(part for part in (row["rule"], row["evidence"], scores) if part))
        head = f"[bold]{escape(row['prompt_id'])}[/] {escape(row['prompt'])}"
        console.print(f"{head}  [{style}]{row['label']}[/] [dim]{why}[/]", soft_wrap=True)
        console.print(_marked(row["text"], row.get("spans", ()), style), soft_wrap=True)


def _marked(text: str, spans: Sequence[Sequence[int]], style: str) -> Text:
    """The text with the places that decided its verdict underlined, in the label's colour."""
    marked = Text(text)
    for start, end in spans:
        marked.stylize(f"underline {style}", start, end)
    before = len(text) - len(text.lstrip())
    return Text("    ").append_text(marked[before : len(text.rstrip()) or None]).append("\n")
