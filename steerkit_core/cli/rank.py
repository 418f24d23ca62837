"""`steerkit rank`."""

from __future__ import annotations

from pathlib import Path

import click

from steerkit_core.cli.application import application_of
from steerkit_core.cli.output import json_option, print_json
from steerkit_core.cli.recipes import changes_option, recipe_argument

REPORT = "rank.json"


@click.command(short_help="Count the directions that separate the classes.")
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
    help="Number of cross-validation folds.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the folds.")
@click.option("--layers", metavar="N,...", help="Only these layers.  [default: all]")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder for the report.  [default: runs/NAME-rank]"
)
@json_option
@click.pass_context
def rank(
    context: click.Context,
    recipe: str,
    changes: tuple[str, ...],
    components: str,
    layers: str | None,
    out: Path | None,
    *,
    as_json: bool,
    folds: int,
    seed: int,
) -> None:
    """Decompose the differences of RECIPE's contrast pairs into principal directions, layer by layer.

    The report shows how the differences spread over directions, and how well held-out pairs are separated
    by the mean difference, by its part in the first k directions, and by the rest. Activations are read
    where the recipe's extractor reads them. To steer with the first k directions, see the recipe
    bundled-rank; to remove them, bundled-rank-removed.

    \b
    Examples:
        steerkit rank quickstart
        steerkit rank quickstart --set prompts.contrast=refusal-64 --layers 2,3
    """
    registry = application_of(context).registry

    from steerkit_core.cli.progress import make_progress
    from steerkit_core.cli.sources import (
        distinct,
        layers_of,
        numbers,
        output_folder,
        plan_of,
        sources,
        write_report,
    )
    from steerkit_core.errors import SteerkitError
    from steerkit_core.extraction.rank import RankEntry, RankReport, check_pairs
    from steerkit_core.extraction.rank import rank as find_rank

    tried, wanted = numbers(components, "--components") or (), numbers(layers, "--layers")
    if 0 in tried:
        raise SteerkitError("--components: expected numbers of at least 1, got 0")
    plan = plan_of(recipe, registry, changes)
    for settings in distinct(plan):
        for setting in settings:
            check_pairs(setting.contrast)
    folder = output_folder(out, f"{plan.recipe.run.name}-rank")
    entries: list[RankEntry] = []
    with make_progress() as progress:
        for source in sources(plan, registry, progress.step):
            setting = source.setting
            progress.step(f"taking apart {setting.contrast.name}")
            chosen = layers_of(wanted, source.model.num_layers)
            found = find_rank(
                source.model,
                setting.extractor,
                setting.contrast,
                chosen,
                tried,
                folds=folds,
                seed=seed,
            )
            entries += [RankEntry.joined(source.facts, one) for one in found]
    report = RankReport(recipe=plan.recipe.run.name, folds=folds, seed=seed, ranks=tuple(entries))
    path = write_report(folder, REPORT, report)
    if as_json:
        print_json(report)
        return
    from rich.console import Console

    from steerkit_core.report.terminal.stability import print_rank

    console = Console(highlight=False)
    print_rank(report, console)
    console.print(f"\nwritten: {path}", markup=False, soft_wrap=True)
