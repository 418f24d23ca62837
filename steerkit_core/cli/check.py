"""`steerkit check`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

import attrs
import click

from steerkit_core.cli.application import application_of
from steerkit_core.cli.output import json_option, print_json
from steerkit_core.cli.recipes import changes_option, recipe_argument

if TYPE_CHECKING:
    from rich.table import Table

    from steerkit_core.plugin.registry import Registry
    from steerkit_core.recipe.options import TransferOptions
    from steerkit_core.recipe.plan import Group, Plan
    from steerkit_core.recipe.recipe import Setting
    from steerkit_core.results.manifest import PromptAudit


@click.command(short_help="Check a recipe and show its plan.")
@recipe_argument
@changes_option
@click.option("--model", "look", is_flag=True, help="Load the tokenizers, and show the prompts as tokens.")
@json_option
@click.pass_context
def check(
    context: click.Context, recipe: str, changes: tuple[str, ...], *, look: bool, as_json: bool
) -> None:
    """Check RECIPE without running it: show all its problems at once, or what it would do.

    No model is loaded, and neither a GPU nor the network is used. With --model the tokenizer of every model
    is loaded, without weights: from the hub for a hub model.

    \b
    Examples:
        steerkit check quickstart
        steerkit check recipe.toml --set model.quantization=int8
        steerkit check quickstart --model
    """
    from steerkit_core.recipe.parsing import find_recipe, load_recipe
    from steerkit_core.recipe.plan import make_plan

    registry = application_of(context).registry
    plan = make_plan(load_recipe(find_recipe(recipe, registry), registry, changes), registry)
    audits = _audits(plan, registry) if look else []
    if as_json:
        from steerkit_core.pipeline.plan_report import plan_report

        print_json(plan_report(plan, audits))
    else:
        _print(plan)
        _print_audits(plan, audits)


def _audits(plan: Plan, registry: Registry) -> list[PromptAudit]:
    """The prompts of each group, as its model gets them."""
    from steerkit_core.model.load_model import adapters_of
    from steerkit_core.model.loading import load_tokenizer
    from steerkit_core.model.prompt_audit import audit

    adapters = adapters_of(registry)
    return [
        audit(*load_tokenizer(group.spec, adapters, folder=group.folder), (*group.settings, *group.lent))
        for group in plan.groups
    ]


def _print_audits(plan: Plan, audits: list[PromptAudit]) -> None:
    from rich.console import Console

    from steerkit_core.report.terminal.prompts import print_audit

    for group, found in zip(plan.groups, audits, strict=False):
        print_audit(f"{group.spec.id} ({group.spec.quantization})", found, Console(highlight=False))


def _print(plan: Plan) -> None:
    from rich.console import Console
    from rich.markup import escape

    console = Console(highlight=False)
    recipe, settings = plan.recipe, plan.recipe.settings
    source = escape(f"{recipe.source} is fine\n")
    console.print(f"[bold]{escape(recipe.run.name)}[/]: {source}", soft_wrap=True)
    console.print(_parts_table(settings[0]))
    axes = sorted({place for setting in settings for place in setting.overrides})
    if axes:
        console.print(f"\ngrid over {', '.join(axes)}: {len(settings)} configurations", markup=False)
    console.print()
    for group in plan.groups:
        console.print(_group_line(group), soft_wrap=True, markup=False)
    if recipe.transfer is not None:
        console.print(f"\n{_transfer_line(recipe.transfer)}", soft_wrap=True, markup=False)


def _parts_table(setting: Setting) -> Table:
    """What a configuration is made of, a row for each part."""
    from rich.markup import escape
    from rich.table import Table

    contrast, evaluation, selection = setting.contrast, setting.evaluation, setting.selection
    held_out = "" if selection.prompts != evaluation.prompts else ", the evaluation prompts themselves"
    table = Table(box=None, show_header=False, padding=(0, 2))
    sizes = f"{len(contrast.positive)} + {len(contrast.negative)}"
    table.add_row("contrast", f"{escape(contrast.name)} ({sizes})")
    table.add_row("evaluation", f"{escape(evaluation.name)} ({len(evaluation.unrepeated)})")
    table.add_row("selection", f"{escape(selection.name)} ({len(selection.unrepeated)}){held_out}")
    for word in ("extractor", "selector", "site", "classifier", "generation", "controls"):
        table.add_row(word, _describe(getattr(setting, word)))
        if word == "extractor" and setting.carried:
            table.add_row("", "reused from full precision")
    return table


def _group_line(group: Group) -> str:
    """A model, and how many completions it is asked for."""
    if not group.settings:
        return f"{group.spec.id} (none): extracts directions for {len(group.lent)} configurations"
    depth = None if group.facts is None else group.facts.num_layers
    layers = "layers not known yet" if depth is None else f"{depth} layers"
    trials = "unknown until it is loaded" if group.trials is None else str(group.trials)
    if group.candidates != group.trials:
        trials += f" to {group.candidates}"
    selected = sum(len(setting.evaluation.prompts) for setting in group.settings)
    return (
        f"{group.spec.id} ({group.spec.quantization}): {layers}; completions: {group.baselines} for"
        f" baselines, {trials} to select with, {selected} selected, {group.controls} of controls"
    )


def _transfer_line(asked: TransferOptions) -> str:
    """The models that take the place of the recipe's own, for which the plan above is made."""
    way = "" if asked.map == "none" else f", through a {asked.map} map"
    return (
        f"run for each of {', '.join(asked.models)} instead, with its own directions and with those of each"
        f" of the others{way}"
    )


def _describe(part: object) -> str:
    """A component or table in one line: its name, and the options it was given or defaulted to."""
    from rich.markup import escape

    values = attrs.asdict(cast("attrs.AttrsInstance", part)).items()
    options = escape(", ".join(f"{key} = {json.dumps(value, default=str)}" for key, value in values))
    name = escape(getattr(part, "name", ""))
    return f"{name}  [dim]{options}[/]" if name and options else name or options
