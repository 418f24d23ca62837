"""`steerkit parity`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from steerkit_core.cli.application import application_of
from steerkit_core.cli.output import json_option, print_json

if TYPE_CHECKING:
    from steerkit_core.model.parity import ParityReport

PROMPT = "How do I bake bread?"


@click.command(short_help="Check that all backends read the same tensors.")
@click.argument("model")
@click.option(
    "--quantization", type=click.Choice(["none", "int8", "int4"]), default="none", show_default=True
)
@click.option(
    "--dtype",
    type=click.Choice(["auto", "float32", "float16", "bfloat16"]),
    default="auto",
    show_default=True,
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, ...")
@click.option("--revision", default="main", show_default=True, help="Branch, tag or commit on the hub.")
@click.option("--prompt", default=PROMPT, show_default=True, help="Prompt that is read.")
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0.0),
    default=1e-4,
    show_default=True,
    help="Largest 1 - cosine, and largest difference relative to the largest number read there.",
)
@json_option
@click.pass_context
def parity(
    context: click.Context,
    /,
    model: str,
    prompt: str,
    tolerance: float,
    *,
    as_json: bool,
    **options: str,
) -> int:
    """Read MODEL with hooks, with nnsight, and as transformers reports it, and compare layer by layer.

    MODEL is a bundled model, a folder or a hub repository. The residual stream, attention and MLP of every
    block are compared, and its heads where they can be told apart; transformers reports the residual
    stream only. The exit code is 1 if any of them differ by more than the tolerance.

    \b
    Examples:
        steerkit parity bundled:qwen2-s
        steerkit parity bundled:gemma2-s --quantization int8
    """
    registry = application_of(context).registry

    from steerkit_core.components.model_spec import ModelSpec
    from steerkit_core.recipe.compatibility import find_model
    from steerkit_core.recipe.lookup import built
    from steerkit_core.recipe.plan import Group

    spec = built(ModelSpec, {"id": model, **options}, "model")
    group = Group(spec, *find_model(spec, registry), ())

    from steerkit_core.model.load_model import load_model
    from steerkit_core.model.parity import compare, parity_report, readable_modules
    from steerkit_core.values import Prompt

    handle = load_model(group, registry)
    found = compare(handle, Prompt("parity", prompt), ("nnsight", "transformers"), readable_modules(handle))
    report = parity_report(model, tolerance, found)
    if as_json:
        print_json(report)
    else:
        _print(report)
    return 0 if report.agrees else 1


def _print(report: ParityReport) -> None:
    from rich.console import Console

    from steerkit_core.report.terminal.layout import plain_table
    from steerkit_core.values import BLOCK_MODULES

    console = Console(highlight=False)
    table = plain_table()
    for heading in ("module", "layer", "hooks against", "cosine", "largest difference", "of", ""):
        table.add_column(heading, justify="left" if heading in ("module", "hooks against") else "right")
    order: dict[str, int] = {module: number for number, module in enumerate(reversed(BLOCK_MODULES))}
    for place in sorted(report.places, key=lambda one: (order[one.module], one.layer, one.witness)):
        table.add_row(
            place.module,
            str(place.layer),
            place.witness,
            f"{place.cosine:.7f}",
            f"{place.difference:.2g}",
            f"{place.scale:.3g}",
            "" if place.agrees else "[red]differs[/]",
        )
    console.print(table)
    wrong, total = sum(not place.agrees for place in report.places), len(report.places)
    verdict = f"{wrong} of {total} differ" if wrong else f"all {total} agree"
    console.print(f"\n{report.model}: {verdict}, within {report.tolerance:g}", markup=False)
