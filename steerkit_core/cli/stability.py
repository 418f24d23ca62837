"""`steerkit stability`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from steerkit_core.cli.application import application_of
from steerkit_core.cli.output import json_option, print_json
from steerkit_core.cli.recipes import changes_option, recipe_argument

if TYPE_CHECKING:
    from collections.abc import Callable

    from steerkit_core.cli.sources import Source
    from steerkit_core.extraction.stability import Draws, StabilityEntry
    from steerkit_core.plugin.registry import Registry
    from steerkit_core.recipe.plan import Plan
    from steerkit_core.recipe.recipe import Setting
    from steerkit_core.values import ContrastSet

REPORT = "stability.json"


@click.command(short_help="Measure how much directions depend on the prompts.")
@recipe_argument
@changes_option
@click.option(
    "--sizes",
    metavar="N,...",
    help="Prompts per class.  [default: powers of two up to the set's size]",
)
@click.option(
    "--resamples", type=click.IntRange(min=1), default=50, show_default=True, help="Draws per size."
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the draws.")
@click.option("--against", metavar="SET", help="An independent contrast set: a prompt set or a file.")
@click.option("--layers", metavar="N,...", help="Only these layers.  [default: all]")
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.95,
    show_default=True,
    help="Cosine that a stable direction reaches; the default is from Mohammad, 2026.",
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
    recipe: str,
    changes: tuple[str, ...],
    sizes: str | None,
    against: str | None,
    layers: str | None,
    out: Path | None,
    *,
    as_json: bool,
    resamples: int,
    seed: int,
    threshold: float,
) -> None:
    """Find the directions of RECIPE again on resamples of its contrast set, and compare them by cosine.

    Disjoint halves are compared with each other, bootstrap resamples with the whole set and, with
    --against, samples of two independent sets: at several numbers of prompts, layer by layer. Every prompt
    is read once and nothing is generated. With the extra steerkit-core[plots] curves are drawn as PNG too.

    \b
    Examples:
        steerkit stability quickstart
        steerkit stability quickstart --set prompts.contrast=refusal-64 --against refusal-val-32
        steerkit stability quickstart --sizes 2,3,5 --layers 2,3 --json
    """
    registry = application_of(context).registry

    from steerkit_core.cli.progress import make_progress
    from steerkit_core.cli.sources import numbers, output_folder, plan_of, sources, write_report
    from steerkit_core.extraction.stability import Draws, StabilityReport

    chosen, wanted = numbers(sizes, "--sizes"), numbers(layers, "--layers")
    plan = plan_of(recipe, registry, changes, against)
    _check(plan, chosen, against)
    folder = output_folder(out, f"{plan.recipe.run.name}-stability")
    draws = Draws(chosen or (), resamples, seed)
    with make_progress() as progress:
        entries = [
            entry
            for source in sources(plan, registry, progress.step)
            for entry in _measure(
                source,
                registry,
                draws,
                wanted,
                threshold,
                progress.step,
                independent=against is not None,
            )
        ]
    report = StabilityReport(
        recipe=plan.recipe.run.name,
        resamples=resamples,
        seed=seed,
        threshold=threshold,
        curves=tuple(entries),
    )
    write_report(folder, REPORT, report)
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


def _other(setting: Setting, *, independent: bool) -> ContrastSet | None:
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
    draws: Draws,
    layers: tuple[int, ...] | None,
    threshold: float,
    say: Callable[[str], None],
    *,
    independent: bool,
) -> list[StabilityEntry]:
    from attrs import evolve

    from steerkit_core.cli.sources import layers_of
    from steerkit_core.extraction.stability import StabilityEntry, default_sizes, stability
    from steerkit_core.model.loaded_models import LoadedModels
    from steerkit_core.recipe.direction_sources import RunSources

    setting = source.setting
    other = _other(setting, independent=independent)
    sizes = draws.sizes or default_sizes(setting.contrast)
    models = LoadedModels(registry)
    with models.lending(source.model), RunSources(registry, models) as outside:
        curves = stability(
            source.model,
            setting.extractor,
            setting.contrast,
            evolve(draws, sizes=sizes),
            layers_of(layers, source.model.num_layers),
            sources=outside,
            against=other,
            threshold=threshold,
            say=say,
        )
    against = None if other is None else other.name
    return [StabilityEntry.joined(source.facts, against, curve) for curve in curves]
