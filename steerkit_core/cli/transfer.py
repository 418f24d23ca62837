"""`steerkit transfer`."""

from __future__ import annotations

import time
from contextlib import nullcontext
from pathlib import Path

import click

from steerkit_core.cli.application import application_of
from steerkit_core.cli.output import json_option, print_json
from steerkit_core.cli.recipes import changes_option, fresh_option, quiet_option, recipe_argument


@click.command(short_help="Measure how well directions transfer between models.")
@recipe_argument
@click.option("--models", required=True, metavar="ID,ID...", help="Models to pair, in both directions.")
@click.option(
    "--map",
    "way",
    type=click.Choice(["none", "ridge", "procrustes"]),
    default="none",
    show_default=True,
    help="Linear map to fit for every pair, equal widths included.",
)
@changes_option
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder of the run.  [default: runs/NAME-transfer]"
)
@fresh_option
@json_option
@quiet_option
@click.pass_context
def transfer(
    context: click.Context,
    recipe: str,
    models: str,
    way: str,
    changes: tuple[str, ...],
    out: Path | None,
    *,
    fresh: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Steer every model of a list with its own directions, and with those of each of the others.

    RECIPE says all but the models. Its extractor finds the directions, in each model; in another they are
    applied at the same relative depth, with the multiplier of that one. Models of unequal width are left
    out, and named, unless there is a --map. TE is the rate with the transferred direction by that with the
    model's own.

    \b
    Examples:
        steerkit transfer bundled-transfer --models bundled:qwen2-s,bundled:qwen2-m,bundled:mistral-s
        steerkit transfer recipe.toml --models a,b --map ridge --json
    """
    from steerkit_core.recipe.lookup import built
    from steerkit_core.recipe.options import TransferOptions
    from steerkit_core.recipe.parsing import find_recipe, load_recipe
    from steerkit_core.recipe.transfer_pairs import asking_for_pairs

    registry = application_of(context).registry
    ids = [name.strip() for name in models.split(",") if name.strip()]
    asked = built(TransferOptions, {"models": ids, "map": way}, "transfer")
    checked = asking_for_pairs(load_recipe(find_recipe(recipe, registry), registry, changes), asked)
    suffix = "transfer" if way == "none" else f"transfer-{way}"
    folder = out or Path("runs") / f"{checked.run.name}-{suffix}"

    from steerkit_core.cli.progress import make_progress
    from steerkit_core.pipeline.recipe_run import run_recipe
    from steerkit_core.progress import Silent

    started = time.monotonic()
    with nullcontext(Silent()) if quiet or as_json else make_progress() as progress:
        results = run_recipe(checked, registry, folder, fresh=fresh, progress=progress)
    if as_json:
        print_json({"transfers": results.transfers, "excluded": results.excluded, "notes": results.notes})
        return
    from steerkit_core.report.terminal.console import print_transfers

    print_transfers(results)
    click.echo(f"\n{time.monotonic() - started:.0f} s. Files in {folder}; all of it with")
    click.echo(f"    steerkit show {folder}")
