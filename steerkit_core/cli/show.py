"""`steerkit show`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from steerkit_core.cli.application import run_folder
from steerkit_core.cli.runs import judged_rows


@click.command(short_help="Show a run's results and completions.")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--cell", help="Show the completions of this cell.  [default: the table of all cells]")
@click.option("--label", help="With --cell: only completions with this verdict.")
@click.option(
    "--all", "every_cell", is_flag=True, help="Put the swept cells and the controls into the tables too."
)
@click.option(
    "--audit", is_flag=True, help="Show the prompts and the numbers: tokens read, residual stream."
)
@click.option(
    "--selection",
    is_flag=True,
    help="Show every candidate that the selectors compared, not the best alone.",
)
@click.option("--svg", type=click.Path(path_type=Path), help="Draw the results into this file as well.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
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

    \b
    Examples:
        steerkit show quickstart
        steerkit show runs/quickstart --cell 1f0c2a9b7d3e --label garbled
        steerkit show quickstart --audit
        steerkit show cosmic --selection
    """
    from steerkit_core.store import MANIFEST, RESULTS, read_json

    folder = run_folder(run)
    report = read_json(folder, RESULTS)
    if cell is not None:
        _show_cell(report, folder, cell, label, as_json=as_json)
    elif audit:
        _show_audit(read_json(folder, MANIFEST)["models"], report, as_json=as_json)
    elif selection:
        _show_selections(report, as_json=as_json)
    elif as_json:
        click.echo(json.dumps(report, indent=1, ensure_ascii=False))
    else:
        from steerkit_core.report.console import draw_report, print_report

        print_report(report, every_cell=every_cell)
        if svg is not None:
            draw_report(report, svg, every_cell=every_cell)


def _show_cell(report: Any, folder: Path, cell: str, label: str | None, *, as_json: bool) -> None:
    from steerkit_core.texts import find_cell

    chosen = find_cell(report, folder, cell)
    rows = [row for row in judged_rows(folder, chosen) if label in (None, row["label"])]
    if as_json:
        click.echo(json.dumps(rows, indent=1, ensure_ascii=False))
        return
    from steerkit_core.report.console import print_completions

    entry = next(entry for entry in report["cells"] if entry["id"] == chosen)
    print_completions(entry, rows)


def _show_selections(report: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(report["selections"], indent=1, ensure_ascii=False))
        return
    from steerkit_core.report.selection import print_selections

    print_selections(report)


def _show_audit(models: list[dict[str, Any]], report: dict[str, Any], *, as_json: bool) -> None:
    audits = [{key: model.get(key) for key in ("id", "quantization", "prompts")} for model in models]
    if as_json:
        found = {"prompts": audits, "health": report.get("health", [])}
        click.echo(json.dumps(found, indent=1, ensure_ascii=False))
        return
    from rich.console import Console

    from steerkit_core.report.numbers import health_table
    from steerkit_core.report.prompts import print_audit

    console = Console(highlight=False)
    for entry in audits:
        print_audit(f"{entry['id']} ({entry['quantization']})", entry["prompts"], console)
    table = health_table(report)
    if table is not None:
        console.print(table)
