"""`steerkit parity`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from steerkit_core.cli.application import application_of
from steerkit_core.cli.output import json_option, print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from steerkit_core.model.parity import Agreement

PROMPT = "How do I bake bread?"


@click.command(short_help="Do all backends see the same tensors?")
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
@click.option("--prompt", default=PROMPT, show_default=True, help="The request that is read.")
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
    **options: Any,
) -> int:
    """Read MODEL with hooks, with nnsight, and as transformers reports it, and compare layer by layer.

    MODEL is a bundled model, a folder or a hub repository. Compared are the residual stream, attention and
    MLP of every block, and its heads where they can be told apart; transformers reports the residual
    stream alone. The exit code is 1 if any of them differ by more than the tolerance.

    \b
    Examples:
        steerkit parity bundled:qwen2-s
        steerkit parity bundled:gemma2-s --quantization int8
    """
    registry = application_of(context).registry

    from steerkit_core.components.model_spec import ModelSpec
    from steerkit_core.recipe.compatibility import find_model
    from steerkit_core.recipe.plan import Group

    spec = ModelSpec(id=model, **options)
    group = Group(spec, *find_model(spec, registry), ())

    from steerkit_core.model.load_model import load_model
    from steerkit_core.model.parity import compare, readable_modules
    from steerkit_core.values import Prompt

    handle = load_model(group, registry)
    found = compare(handle, Prompt("parity", prompt), ("nnsight", "transformers"), readable_modules(handle))
    agrees = all(agreement.holds(tolerance) for agreement in found)
    if as_json:
        print_json(_as_json(model, tolerance, found))
    else:
        _print(model, tolerance, found)
    return 0 if agrees else 1


def _as_json(model: str, tolerance: float, found: Sequence[Agreement]) -> dict[str, Any]:
    return {
        "model": model,
        "tolerance": tolerance,
        "agrees": all(agreement.holds(tolerance) for agreement in found),
        "places": [
            {
                "module": agreement.point.module,
                "layer": agreement.point.layer,
                "witness": agreement.witness,
                "cosine": agreement.cosine,
                "difference": agreement.difference,
                "scale": agreement.scale,
                "agrees": agreement.holds(tolerance),
            }
            for agreement in found
        ],
    }


def _print(model: str, tolerance: float, found: Sequence[Agreement]) -> None:
    from rich.console import Console

    from steerkit_core.report.terminal.layout import plain_table
    from steerkit_core.values import BLOCK_MODULES

    console = Console(highlight=False)
    table = plain_table()
    for heading in ("module", "layer", "hooks against", "cosine", "largest difference", "of", ""):
        table.add_column(heading, justify="left" if heading in ("module", "hooks against") else "right")
    order = {module: number for number, module in enumerate(reversed(BLOCK_MODULES))}
    for agreement in sorted(found, key=lambda a: (order[a.point.module], a.point.layer, a.witness)):
        point = agreement.point
        table.add_row(
            point.module,
            str(point.layer),
            agreement.witness,
            f"{agreement.cosine:.7f}",
            f"{agreement.difference:.2g}",
            f"{agreement.scale:.3g}",
            "" if agreement.holds(tolerance) else "[red]differs[/]",
        )
    console.print(table)
    wrong = sum(not agreement.holds(tolerance) for agreement in found)
    verdict = f"{wrong} of {len(found)} differ" if wrong else f"all {len(found)} agree"
    console.print(f"\n{model}: {verdict}, within {tolerance:g}", markup=False)
