"""`steerkit run`."""

from __future__ import annotations

import time
from contextlib import nullcontext
from pathlib import Path

import click

from steerkit_core.cli.application import application_of
from steerkit_core.cli.output import json_option, print_json
from steerkit_core.cli.recipes import changes_option, fresh_option, quiet_option, recipe_argument
from steerkit_core.cli.runs import files_of


@click.command(short_help="Run or resume a recipe.")
@recipe_argument
@changes_option
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the run.  [default: runs/NAME]")
@fresh_option
@json_option
@quiet_option
@click.pass_context
def run(
    context: click.Context,
    recipe: str,
    changes: tuple[str, ...],
    out: Path | None,
    *,
    fresh: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Run RECIPE, a TOML file or the name of a shipped recipe.

    The same command resumes an interrupted run where it stopped.

    \b
    Examples:
        steerkit run quickstart
        steerkit run recipe.toml --set site.multiplier=20 --out runs/twenty
    """
    from steerkit_core.recipe.parsing import find_recipe, load_recipe

    registry = application_of(context).registry
    checked = load_recipe(find_recipe(recipe, registry), registry, changes)
    folder = out or Path("runs") / checked.run.name

    from steerkit_core.cli.progress import make_progress
    from steerkit_core.pipeline.recipe_run import run_recipe
    from steerkit_core.progress import Silent

    started = time.monotonic()
    with nullcontext(Silent()) if quiet else make_progress() as progress:
        results = run_recipe(checked, registry, folder, fresh=fresh, progress=progress)
    if as_json:
        from steerkit_core.results.converter import unstructured

        # `selected` is the cell to look at first; progress went to standard error
        print_json({"folder": str(folder), "files": files_of(folder), **unstructured(results)})
        return
    from steerkit_core.report.terminal.console import print_report

    print_report(results)
    click.echo(f"\n{time.monotonic() - started:.0f} s. Files in {folder}; read completions with")
    click.echo(f"    steerkit show {folder} --cell {results.selected}")
