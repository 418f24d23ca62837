"""`steerkit report`."""

from __future__ import annotations

from pathlib import Path

import click

from steerkit_core.cli import completing
from steerkit_core.cli.output import json_option, print_json
from steerkit_core.cli.runs import run_folder
from steerkit_core.errors import SteerkitError

SEVERAL = "runs.html"


@click.command(short_help="Write the HTML report of one run or several.")
@click.argument(
    "runs",
    metavar="RUN [RUN]...",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path),
    shell_complete=completing.runs,
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The page.  [default: report.html in the run's folder; of several, runs.html in the current one]",
)
@click.option(
    "--figures", is_flag=True, help="Draw the charts as SVG files too, and PNG with the extra [plots]."
)
@json_option
def report(runs: tuple[Path, ...], out: Path | None, *, figures: bool, as_json: bool) -> None:
    """Write the page of RUN, a run directory or the name of one below runs/; of several, one page for all.

    The page of one run takes the place of its `report.html`. That of several holds them side by side, with
    the differences of their selected cells and a part for each. The figures of a run go to `figures/` in
    its folder.

    \b
    Examples:
        steerkit report quickstart --figures
        steerkit report quickstart window --out both.html
    """
    folders = [run_folder(run) for run in runs]
    same = [str(folder) for number, folder in enumerate(folders) if folder in folders[:number]]
    if same:
        raise SteerkitError(f"{same[0]}: given twice; a run is compared with others")
    from steerkit_core.report.charts.saving import NO_PNG, rasterizes
    from steerkit_core.report.content.record import read_record
    from steerkit_core.report.figures import draw_figures
    from steerkit_core.report.page.html import render_html
    from steerkit_core.results.files import REPORT
    from steerkit_core.results.run_directory import replace_text

    records = [read_record(folder) for folder in folders]
    target = out or (folders[0] / REPORT if len(folders) == 1 else Path(SEVERAL))
    replace_text(target, render_html(records))
    drawn: list[Path] = []
    if figures:
        for record in records:
            drawn += draw_figures(record)
    if as_json:
        print_json({"report": str(target), "figures": [str(path) for path in drawn]})
        return
    click.echo(f"written: {', '.join(str(path) for path in (target, *drawn))}")
    if drawn and not rasterizes():
        click.echo(f"note: {NO_PNG}")
