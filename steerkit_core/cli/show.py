"""`steerkit show`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from steerkit_core.cli import completing
from steerkit_core.cli.output import json_option, print_json
from steerkit_core.cli.runs import finished_run, run_folder
from steerkit_core.errors import SteerkitError, nearest

if TYPE_CHECKING:
    from steerkit_core.results.results import RunResults
    from steerkit_core.results.run import KeptRun


@click.command(short_help="Show a run's results and completions.")
@click.argument("run", type=click.Path(path_type=Path), shell_complete=completing.runs)
@click.option(
    "--cell",
    shell_complete=completing.cells,
    help="Show the completions of this cell.  [default: the table of all cells]",
)
@click.option("--label", help="With --cell: only completions with this verdict.")
@click.option("--all", "every_cell", is_flag=True, help="Include swept cells and controls in the tables.")
@click.option(
    "--audit", is_flag=True, help="Show the prompts as tokens, and the residual stream's numbers."
)
@click.option(
    "--selection",
    is_flag=True,
    help="Show every candidate the selectors compared, not only the best.",
)
@click.option("--svg", type=click.Path(path_type=Path), help="Also draw the results into this file.")
@json_option
def show(
    run: Path,
    cell: str | None,
    label: str | None,
    svg: Path | None,
    *,
    every_cell: bool,
    audit: bool,
    selection: bool,
    as_json: bool,
) -> None:
    """Show the results of RUN, a run directory or the name of one below runs/.

    Of a run that has not ended it shows what is there so far, and the command that finishes it. Long tables
    are cut to their best rows; --all shows them whole.

    \b
    Examples:
        steerkit show quickstart
        steerkit show runs/quickstart --cell 1f0c2a9b7d3e --label garbled
        steerkit show quickstart --audit
        steerkit show cosmic --selection
    """
    from steerkit_core.results.files import MANIFEST, RESULTS

    folder = run_folder(run)
    if (folder / MANIFEST).exists() and not (folder / RESULTS).exists() and not selection:
        _show_unfinished(folder, cell, every_cell=every_cell, as_json=as_json)
        return
    kept = finished_run(run)
    if cell is not None:
        _show_cell(kept, cell, label, as_json=as_json)
    elif audit:
        _show_audit(kept, as_json=as_json)
    elif selection:
        _show_selections(kept.results, as_json=as_json)
    elif as_json:
        print_json(kept.results)
    else:
        from steerkit_core.report.terminal.console import print_report

        print_report(kept.results, every_cell=every_cell)
        click.echo(f"\nfiles in {kept.folder}; read completions with")
        click.echo(f"    steerkit show {kept.folder} --cell {kept.results.selected or 'ID'}")
    if svg is not None:
        from steerkit_core.report.terminal.console import draw_report

        draw_report(kept.results, svg, every_cell=every_cell)
        click.echo(f"drawn: {svg}", err=as_json)


def _show_unfinished(folder: Path, cell: str | None, *, every_cell: bool, as_json: bool) -> None:
    from steerkit_core.results.unfinished import read_unfinished

    found = read_unfinished(folder)
    if as_json:
        print_json(found.report if cell is None else found.texts(cell))
        return
    from steerkit_core.report.terminal.unfinished import print_texts, print_unfinished

    if cell is None:
        print_unfinished(found, every_cell=every_cell)
    else:
        print_texts(found.texts(cell))


def _show_cell(kept: KeptRun, cell: str, label: str | None, *, as_json: bool) -> None:
    entry = kept.cell(cell)
    if label is not None and label not in entry.counts:
        known = ", ".join(entry.counts)
        raise SteerkitError(
            f"--label: cell {entry.id} has no label {label!r}{nearest(label, list(entry.counts))}"
            f" (labels: {known})"
        )
    rows = [row for row in kept.rows(entry.id) if label in (None, row.label)]
    if as_json:
        print_json(rows)
        return
    from steerkit_core.report.terminal.console import print_completions

    print_completions(entry, rows)
    if not rows:
        click.echo(f"no text of this cell is {label}" if label else "no text of this cell was kept")


def _show_selections(results: RunResults, *, as_json: bool) -> None:
    if as_json:
        print_json(results.selections)
        return
    from steerkit_core.report.terminal.selection import print_selections

    print_selections(results)


def _show_audit(kept: KeptRun, *, as_json: bool) -> None:
    models = kept.manifest.models
    if as_json:
        audits = [
            {"id": one.id, "quantization": one.quantization, "prompts": one.prompts} for one in models
        ]
        print_json({"prompts": audits, "health": kept.results.health})
        return
    from steerkit_core.report.terminal.layout import output_console
    from steerkit_core.report.terminal.numbers import health_table
    from steerkit_core.report.terminal.prompts import print_audit

    console = output_console()
    for one in models:
        print_audit(f"{one.id} ({one.quantization})", one.prompts, console)
    table = health_table(kept.results)
    if table is not None:
        console.print(table)
