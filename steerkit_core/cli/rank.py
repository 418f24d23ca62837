"""`steerkit rank`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from steerkit_core.cli.application import application_of
from steerkit_core.cli.output import json_option, print_json
from steerkit_core.cli.recipes import changes_option, recipe_argument
from steerkit_core.files.json_numbers import finite_within

REPORT = "rank.json"


@click.command(short_help="How many directions separate the classes?")
@recipe_argument
@changes_option
@click.option(
    "--components",
    metavar="K,...",
    default="1,2,3,4,6,8,12,16,24,32",
    show_default=True,
    help="Numbers of principal directions to try.",
)
@click.option(
    "--folds",
    type=click.IntRange(min=2),
    default=5,
    show_default=True,
    help="Parts that are left out in turn.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the division.")
@click.option("--layers", metavar="N,...", help="Only these layers.  [default: all]")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder for the report.  [default: runs/NAME-rank]"
)
@json_option
@click.pass_context
def rank(
    context: click.Context,
    /,
    recipe: str,
    changes: tuple[str, ...],
    components: str,
    layers: str | None,
    out: Path | None,
    *,
    as_json: bool,
    **options: Any,
) -> None:
    """Take the differences of RECIPE's contrast pairs apart into principal directions, layer by layer.

    Shown are how the differences spread over directions, and how well pairs left out are told apart by the
    mean difference, by its part in the first k directions, and by what is left without these. Read is
    where the recipe's extractor reads. To steer by the first k, see the recipe bundled-rank; to take
    them out, bundled-rank-removed.

    \b
    Examples:
        steerkit rank quickstart
        steerkit rank quickstart --set prompts.contrast=refusal-64 --layers 2,3
    """
    registry = application_of(context).registry

    import attrs

    from steerkit_core.cli.progress import make_progress
    from steerkit_core.cli.sources import (
        distinct,
        layers_of,
        numbers,
        output_folder,
        plan_of,
        sources,
        write_json,
    )
    from steerkit_core.errors import SteerkitError
    from steerkit_core.extraction.rank import check_pairs
    from steerkit_core.extraction.rank import rank as find_rank

    tried, wanted = numbers(components, "--components") or (), numbers(layers, "--layers")
    if 0 in tried:
        raise SteerkitError("--components: expected numbers of at least 1, got 0")
    plan = plan_of(recipe, registry, changes)
    for settings in distinct(plan):
        for setting in settings:
            check_pairs(setting.contrast)
    folder = output_folder(out, f"{plan.recipe.run.name}-rank")
    entries: list[dict[str, Any]] = []
    with make_progress() as progress:
        for source in sources(plan, registry, progress.step):
            setting = source.setting
            progress.step(f"taking apart {setting.contrast.name}")
            chosen = layers_of(wanted, source.model.num_layers)
            found = find_rank(source.model, setting.extractor, setting.contrast, chosen, tried, **options)
            entries += [source.columns | attrs.asdict(one) for one in found]
    report = finite_within({"recipe": plan.recipe.run.name, **options, "ranks": entries})
    path = write_json(folder, REPORT, report)
    if as_json:
        print_json(report)
        return
    from rich.console import Console

    from steerkit_core.report.terminal.stability import print_rank

    console = Console(highlight=False)
    print_rank(report, console)
    console.print(f"\nwritten: {path}", markup=False, soft_wrap=True)
