"""`steerkit stability`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from steerkit_core.cli.application import application_of
from steerkit_core.cli.output import json_option, print_json
from steerkit_core.cli.recipes import changes_option, recipe_argument
from steerkit_core.files.json_numbers import finite_within

if TYPE_CHECKING:
    from steerkit_core.cli.sources import Source
    from steerkit_core.plugin.registry import Registry
    from steerkit_core.recipe.plan import Plan
    from steerkit_core.values import ContrastSet

REPORT = "stability.json"


@click.command(short_help="How far do directions depend on the prompts?")
@recipe_argument
@changes_option
@click.option(
    "--sizes",
    metavar="N,...",
    help="Numbers of prompts of each class.  [default: powers of two to the set's]",
)
@click.option(
    "--resamples", type=click.IntRange(min=1), default=50, show_default=True, help="Draws for each size."
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the draws.")
@click.option("--against", metavar="SET", help="An independent contrast set: a prompt set or a file.")
@click.option("--layers", metavar="N,...", help="Only these layers.  [default: all]")
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.95,
    show_default=True,
    help="The cosine that a stable direction reaches; the default is that of Mohammad, 2026.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder for the report and the curves.  [default: runs/NAME-stability]",
)
@json_option
@click.pass_context
def stability(
    context: click.Context,
    /,
    recipe: str,
    changes: tuple[str, ...],
    sizes: str | None,
    against: str | None,
    layers: str | None,
    out: Path | None,
    *,
    as_json: bool,
    **draws: Any,
) -> None:
    """Find the directions of RECIPE again from resamples of its contrast set, and compare them by cosine.

    Compared are halves without a prompt in common, bootstrap resamples with the whole set, and with
    --against samples of two independent sets: at several numbers of prompts, layer by layer. Every prompt
    is read once and nothing is generated. With the extra steerkit-core[plots] the curves are PNG files too.

    \b
    Examples:
        steerkit stability quickstart
        steerkit stability quickstart --set prompts.contrast=refusal-64 --against refusal-val-32
        steerkit stability quickstart --sizes 2,3,5 --layers 2,3 --json
    """
    registry = application_of(context).registry

    from steerkit_core.cli.progress import make_progress
    from steerkit_core.cli.sources import numbers, output_folder, plan_of, sources, write_json

    chosen, wanted = numbers(sizes, "--sizes"), numbers(layers, "--layers")
    plan = plan_of(recipe, registry, changes, against)
    _check(plan, chosen, against)
    folder = output_folder(out, f"{plan.recipe.run.name}-stability")
    with make_progress() as progress:
        entries = [
            entry
            for source in sources(plan, registry, progress.step)
            for entry in _measure(
                source, registry, chosen, wanted, progress.step, draws, independent=against is not None
            )
        ]
    report = finite_within({"recipe": plan.recipe.run.name, **draws, "curves": entries})
    write_json(folder, REPORT, report)
    from steerkit_core.report.curves import draw_stability

    drawn = draw_stability(report, folder)
    if as_json:
        print_json(report)
        return
    from rich.console import Console

    from steerkit_core.report.charts.saving import NO_PNG, rasterizes
    from steerkit_core.report.terminal.stability import print_stability

    console = Console(highlight=False)
    print_stability(report, console)
    written = ", ".join(str(path) for path in (folder / REPORT, *drawn))
    console.print(f"\nwritten: {written}", markup=False, soft_wrap=True)
    if not rasterizes():
        console.print(f"note: {NO_PNG}", markup=False, soft_wrap=True)


def _other(setting: Any, *, independent: bool) -> ContrastSet | None:
    return setting.validation if independent else None


def _check(plan: Plan, sizes: tuple[int, ...] | None, against: str | None) -> None:
    """Refuse what can be refused before a model is loaded."""
    from steerkit_core.cli.sources import distinct
    from steerkit_core.extraction.stability import Draws, check_draws

    for settings in distinct(plan):
        for setting in settings:
            other = _other(setting, independent=against is not None)
            check_draws(Draws(sizes or ()), setting.contrast, other)


def _measure(
    source: Source,
    registry: Registry,
    sizes: tuple[int, ...] | None,
    layers: tuple[int, ...] | None,
    say: Any,
    options: dict[str, Any],
    *,
    independent: bool,
) -> list[dict[str, Any]]:
    import attrs

    from steerkit_core.cli.sources import layers_of
    from steerkit_core.extraction.stability import Draws, default_sizes, stability
    from steerkit_core.model.loaded_models import LoadedModels
    from steerkit_core.recipe.direction_sources import RunSources

    setting = source.setting
    other = _other(setting, independent=independent)
    models = LoadedModels(registry)
    with models.lending(source.model), RunSources(registry, models) as outside:
        curves = stability(
            source.model,
            setting.extractor,
            setting.contrast,
            Draws(sizes or default_sizes(setting.contrast), options["resamples"], options["seed"]),
            layers_of(layers, source.model.num_layers),
            sources=outside,
            against=other,
            threshold=options["threshold"],
            say=say,
        )
    columns = source.columns | {"against": None if other is None else other.name}
    return [columns | attrs.asdict(curve) for curve in curves]
