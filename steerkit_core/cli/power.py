"""`steerkit power`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import click

from steerkit_core.cli.output import json_option, print_json

if TYPE_CHECKING:
    from steerkit_core.stats.power import PowerReport

SIZES = (10, 30, 50, 100)
RATE = click.FloatRange(0.0, 1.0)
INSIDE = click.FloatRange(0.0, 1.0, min_open=True, max_open=True)


@click.command(short_help="How many prompts tell two rates apart?")
@click.option("--rates", nargs=2, type=RATE, required=True, help="The two rates, each from 0 to 1.")
@click.option("--alpha", type=INSIDE, default=0.05, show_default=True, help="Level of the two-sided test.")
@click.option("--power", "wanted", type=INSIDE, default=0.8, show_default=True, help="Power to reach.")
@click.option("--paired", is_flag=True, help="Both rates are measured on the same prompts.")
@click.option(
    "--discordant", type=RATE, help="With --paired: share of prompts on which the two will disagree."
)
@click.option(
    "--correlation",
    type=click.FloatRange(-1.0, 1.0),
    help="With --paired: correlation of the two over prompts, in place of --discordant.  [default: 0]",
)
@json_option
def power(
    rates: tuple[float, float],
    alpha: float,
    wanted: float,
    discordant: float | None,
    correlation: float | None,
    *,
    paired: bool,
    as_json: bool,
) -> None:
    """Say how many prompts are needed to tell two rates apart.

    Without --paired every rate has prompts of its own, and the test is Fisher's exact one. With it both are
    measured on the same prompts, and the test is McNemar's exact one: its power depends on how often the
    two disagree, which a correlation of 0 puts rather high.

    \b
    Examples:
        steerkit power --rates 0.77 0.57
        steerkit power --rates 0.77 0.57 --paired --discordant 0.3
    """
    if not paired and not (discordant is None and correlation is None):
        given = "--correlation" if discordant is None else "--discordant"
        raise click.UsageError(f"{given} says how paired rates differ: give --paired as well")
    if discordant is not None and correlation is not None:
        raise click.UsageError("give --discordant or --correlation, not both")

    from steerkit_core.stats.power import Independent, Paired, power_report

    design: Independent | Paired
    if not paired:
        design = Independent(*rates, alpha=alpha)
    elif discordant is not None:
        design = Paired(*rates, discordant=discordant, alpha=alpha)
    else:
        design = Paired.correlated(*rates, correlation or 0.0, alpha=alpha)
    found = power_report(design, wanted, SIZES)
    if as_json:
        print_json(found)
    else:
        _print(found)


def _print(found: PowerReport) -> None:
    first, second = found.rates
    test = "McNemar's exact test" if found.paired else "Fisher's exact test"
    of = "prompts, the same for both" if found.paired else "prompts for each of the two"
    about = "" if found.exact else "about "
    click.echo(
        f"{about}{found.prompts} {of}, to tell {first:g} from {second:g} with a power of"
        f" {found.power:g} ({test}, two-sided, {found.alpha:g})"
    )
    if found.discordant is not None:
        share = found.discordant
        often = math.ceil(share * found.prompts)
        click.echo(f"they disagree on {100 * share:.0f}% of the prompts, here about {often}")
    if not found.exact:
        click.echo("this many prompts: computed with the normal approximation")
    click.echo("\nprompts  power")
    for n in sorted({*SIZES, found.prompts}):
        click.echo(f"{n:7}  {found.power_at[str(n)]:5.2f}")
