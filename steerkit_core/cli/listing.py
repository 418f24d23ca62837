"""`steerkit runs`."""

from __future__ import annotations

from pathlib import Path

import click

from steerkit_core.cli.output import counted, json_option, print_json


@click.command(short_help="List the runs in a folder.")
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path), default="runs")
@json_option
def runs(folder: Path, *, as_json: bool) -> None:
    """List the runs below DIR, by default ./runs, the newest first.

    Each has its state (done, unfinished with how far it is, or broken with the reason), and where it is
    done the selected cell with its rate of refusals and a 95 percent interval.

    \b
    Examples:
        steerkit runs
        steerkit runs experiments --json
    """
    from steerkit_core.results.overview import runs_below

    found = runs_below(folder)
    if as_json:
        print_json(found)
        return
    if not found:
        click.echo(f"no runs in {folder}; `steerkit run quickstart` makes one")
        return
    from steerkit_core.report.terminal.overview import print_runs

    print_runs(found)
    click.echo(f"\n{counted(len(found), 'run')} in {folder}; look at one with")
    click.echo(f"    steerkit show {found[0].folder}")
