"""`steerkit compare`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from steerkit_core.cli import completing
from steerkit_core.cli.output import json_option, print_json
from steerkit_core.cli.runs import finished_run

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from steerkit_core.report.content.arms import ArmComparison, Side


@click.command(short_help="Compare two runs' rates.")
@click.argument("run", type=click.Path(path_type=Path), shell_complete=completing.runs)
@click.argument("other", type=click.Path(path_type=Path), shell_complete=completing.runs)
@click.option(
    "--cell",
    "cells",
    multiple=True,
    shell_complete=completing.cells,
    help="Compare this cell; given twice, the first is of RUN and the second of OTHER."
    "  [default: each run's selected cell]",
)
@click.option("--label", default="refusal", show_default=True, help="The verdict whose rate is compared.")
@click.option("--paired", is_flag=True, help="Insist on a paired comparison.")
@json_option
def compare(
    run: Path, other: Path, cells: tuple[str, ...], label: str, *, paired: bool, as_json: bool
) -> None:
    """Compare a cell of RUN with one of OTHER: run directories, or names of such below runs/.

    On the same prompts the comparison is paired: McNemar's exact test, Newcombe's paired interval, and the
    prompts on which the two disagree. On different prompts it is Fisher's exact test with Newcombe's
    interval for independent rates. RUN and OTHER may be the same run.

    \b
    Examples:
        steerkit compare runs/quickstart runs/window
        steerkit compare quickstart quickstart --cell c1f0c2a --cell c93b02d --label garbled
    """
    if len(cells) > 2:
        raise click.UsageError(f"--cell: expected at most two, got {len(cells)}")
    names = (cells * 2)[:2] if cells else (None, None)
    from steerkit_core.report.content.arms import compare_arms, make_arm

    arms = [
        make_arm(finished_run(path), name, label) for path, name in zip((run, other), names, strict=True)
    ]
    found = compare_arms(arms[0], arms[1], label, insist=paired)
    if as_json:
        print_json(found.as_json())
    else:
        from rich.console import Console

        _print(found, Console(highlight=False))


def _print(found: ArmComparison, console: Console) -> None:
    from rich.markup import escape

    from steerkit_core.report.terminal.layout import fitting

    sides, shared = (found.first, found.second), {"prompts", "model"}
    alike = [key for key in ("prompts", "model") if getattr(sides[0], key) == getattr(sides[1], key)]
    table = fitting(console, lambda without: _sides(found, without), alike)
    console.print(table)
    shared -= {str(column.header) for column in table.columns}
    if shared:
        left_out = [getattr(found.first, key) for key in ("model", "prompts") if key in shared]
        console.print(f"both: {', '.join(left_out)}", markup=False)
    for line in _lines(found):
        console.print(line, markup=False, soft_wrap=True)
    for note in found.notes:
        console.print(f"[yellow]note:[/] {escape(note)}", soft_wrap=True)
    if found.discordant:
        console.print()
        console.print(_side_by_side(found))


def _lines(found: ArmComparison) -> Iterator[str]:
    """The difference with its test, and on how many prompts the two agree."""
    from steerkit_core.counting.comparison import PairedTest
    from steerkit_core.report.content.evidence import TESTS, p_value
    from steerkit_core.report.content.percent import in_points, points_interval

    test, label = found.test, found.label
    gap = test.difference
    p = f"p = {p_value(test.p)}".replace("= <", "< ")
    yield (
        f"\ndifference {in_points(gap.value)} points, 95% CI {points_interval(gap)};"
        f" Cohen's h {test.cohens_h:+.2f}; {TESTS[test.test]}: {p}"
    )
    if not isinstance(test, PairedTest):
        yield "the prompts differ: compared as independent samples"
    elif test.test == "sign-flip":
        yield (
            f"of {test.n} prompts, {test.first_only} are {label} more often on the first side,"
            f" {test.second_only} on the second, {test.both + test.neither} as often on both"
        )
    else:
        yield (
            f"of {test.n} prompts, {test.both} {label} on both sides, {test.first_only} on the first"
            f" alone, {test.second_only} on the second alone, {test.neither} on neither"
        )


def _sides(found: ArmComparison, without: frozenset[str]) -> Table:
    """One row for each of the two cells."""
    from rich.markup import escape

    from steerkit_core.report.terminal.layout import plain_table

    table = plain_table()
    rows = [_side(side) for side in (found.first, found.second)]
    for heading in rows[0]:
        if heading not in without:
            # a name that is cut off is no name
            whole = heading in ("cell", "95% CI", "rate")
            name = found.label if heading == "rate" else heading
            table.add_column(name, no_wrap=whole, overflow="fold")
    for row in rows:
        table.add_row(*(escape(text) for heading, text in row.items() if heading not in without))
    return table


def _side(side: Side) -> dict[str, str]:
    """What the table says of one cell, by column."""
    from steerkit_core.report.content.percent import interval

    rate, where = side.rate, [str(one) for one in (side.control, side.layer) if one is not None]
    return {
        "run": side.run,
        "cell": side.cell,
        "model": side.model,
        "layer": "baseline" if side.role == "baseline" else ", ".join(where),
        "mult.": "-" if side.multiplier is None else f"{side.multiplier:g}",
        "prompts": side.prompts,
        "rate": f"{rate.k}/{rate.n}",
        "95% CI": interval(rate, "-"),
    }


def _side_by_side(found: ArmComparison) -> Table:
    from rich.markup import escape
    from rich.table import Table

    from steerkit_core.report.terminal.console import LABEL_STYLE

    table = Table(title="prompts on which they disagree", title_justify="left", title_style="bold")
    for heading in ("prompt", "first", "second"):
        table.add_column(heading, ratio=1 if heading == "prompt" else 2)
    for row in found.discordant:
        texts = []
        for side in (row.first, row.second):
            style = LABEL_STYLE.get(side.label, "default")
            texts.append(f"[{style}]{escape(side.label)}[/] {escape(side.text.strip())}")
        table.add_row(f"[bold]{escape(row.prompt_id)}[/] {escape(row.prompt)}", *texts, end_section=True)
    return table
