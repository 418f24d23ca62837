"""`steerkit compare`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from steerkit_core.cli import completing
from steerkit_core.cli.output import json_option, print_json
from steerkit_core.cli.runs import finished_run
from steerkit_core.errors import SteerkitError, StoreError

if TYPE_CHECKING:
    from rich.console import Console

# what makes two rates another thing altogether, though the prompts are the same
JUDGEMENT = ("classifier",)


@click.command(short_help="Is one run's rate another than the other's?")
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
    arms = [_arm(path, name, label) for path, name in zip((run, other), names, strict=True)]
    found = _compare(arms[0], arms[1], label, insist=paired)
    if as_json:
        print_json(found)
    else:
        from rich.console import Console

        _print(found, Console(highlight=False))


def _arm(run: Path, name: str | None, label: str) -> dict[str, Any]:
    """One side: the run's folder, the cell's entry, whether it was chosen on its prompts, and its rows."""
    from steerkit_core.report.evidence import marked

    kept = finished_run(run)
    name = name or kept.report["selected"]
    if name is None:
        raise StoreError(f"{kept.folder}: no cell was selected, name one with --cell")
    entry = kept.cell(name)
    if label not in entry["counts"]:
        known = ", ".join(entry["counts"])
        raise StoreError(f"{kept.folder}: cell {entry['id']} has no label {label!r} (labels: {known})")
    return {
        "folder": kept.folder,
        "entry": entry,
        "chosen": entry["id"] in marked(kept.report),
        "rows": kept.rows(entry["id"]),
    }


def _compare(first: Mapping[str, Any], second: Mapping[str, Any], label: str, *, insist: bool) -> Any:
    from steerkit_core.comparison import compare_independent, compare_paired
    from steerkit_core.stats import fold

    arms = (first, second)
    labels = [
        fold((row["prompt"], row["label"]) for row in arm["rows"] if row["label"] != "failed")
        for arm in arms
    ]
    prompts = [{row["prompt"] for row in arm["rows"]} for arm in arms]
    shared = prompts[0] & prompts[1]
    paired = prompts[0] == prompts[1]
    if insist and not paired:
        raise SteerkitError(
            f"{first['folder']}, {second['folder']}: not on the same prompts ({len(prompts[0])} and"
            f" {len(prompts[1])}, of which {len(shared)} are in both), so that they cannot be compared as"
            " paired; run both on the same evaluation prompts, or leave out --paired"
        )
    result = (compare_paired if paired else compare_independent)(labels[0], labels[1], label)
    return {
        "label": label,
        "paired": paired,
        "first": _side(first, labels[0], label),
        "second": _side(second, labels[1], label),
        **result,
        "notes": _notes(arms, labels, shared, paired=paired),
        "discordant": _discordant(arms, labels, label) if paired else [],
    }


def _side(arm: Mapping[str, Any], labels: Mapping[str, str], label: str) -> dict[str, Any]:
    import attrs

    from steerkit_core.stats import wilson

    entry = arm["entry"]
    shown = (
        "model",
        "quantization",
        "extractor",
        "selector",
        "site",
        "control",
        "layer",
        "multiplier",
        "strength",
    )
    return {
        "run": str(arm["folder"]),
        "cell": entry["id"],
        "role": entry["role"],
        **{key: entry.get(key) for key in (*shown, "prompts", "classifier")},
        "selected_on_evaluation": arm["chosen"],
        "rate": attrs.asdict(wilson(list(labels.values()).count(label), len(labels))),
    }


def _notes(
    arms: Sequence[Mapping[str, Any]],
    labels: Sequence[Mapping[str, str]],
    shared: set[str],
    *,
    paired: bool,
) -> list[str]:
    """What a reader of the comparison has to know."""
    notes: list[str] = []
    for arm, found in zip(arms, labels, strict=True):
        where = f"cell {arm['entry']['id']} of {arm['folder']}"
        missing = len({row["prompt"] for row in arm["rows"]}) - len(found)
        if arm["chosen"]:
            notes.append(f"{where} was chosen on the prompts that it is compared on, which favours it")
        if missing:
            notes.append(f"{where} has no verdict on {missing} prompts, which are left out")
    if not paired and shared:
        notes.append(
            f"{len(shared)} prompts are in both, and Fisher's test takes the two for independent;"
            " with the same prompts on both sides the comparison would be paired"
        )
    judges = [
        {key: arm["entry"][key] for key in JUDGEMENT} | arm["entry"]["options"]["classifier"]
        for arm in arms
    ]
    if judges[0] != judges[1]:
        names = " and ".join(arm["entry"]["classifier"] for arm in arms)
        notes.append(f"the two were judged differently ({names}), so that a difference may be the judges'")
    return notes


def _discordant(
    arms: Sequence[Mapping[str, Any]], labels: Sequence[Mapping[str, str]], label: str
) -> list[dict[str, Any]]:
    """The prompts of which one side alone has the label, those of the first side before the others."""
    by_text = [{row["prompt"]: row for row in reversed(arm["rows"])} for arm in arms]
    found = [
        {
            "prompt_id": by_text[0][text]["prompt_id"],
            "prompt": text,
            **{
                side: {"label": verdicts[text], "text": rows[text]["text"]}
                for side, verdicts, rows in zip(("first", "second"), labels, by_text, strict=True)
            },
        }
        for text in labels[0]
        if text in labels[1] and (labels[0][text] == label) != (labels[1][text] == label)
    ]
    return sorted(found, key=lambda row: row["first"]["label"] != label)


def _print(found: Mapping[str, Any], console: Console) -> None:
    from rich.markup import escape
    from rich.table import Table

    from steerkit_core.report.evidence import in_points, p_value

    sides = (found["first"], found["second"])
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for heading in ("run", "cell", "model", "layer", "mult.", "prompts", found["label"], "95% CI"):
        # a name that is cut off is no name
        table.add_column(heading, no_wrap=heading in ("cell", "95% CI", found["label"]), overflow="fold")
    for side in sides:
        rate = side["rate"]
        table.add_row(
            escape(side["run"]),
            side["cell"],
            escape(side["model"]),
            "unsteered"
            if side["role"] == "baseline"
            else ", ".join(str(side[key]) for key in ("control", "layer") if side[key] is not None),
            "-" if side["multiplier"] is None else f"{side['multiplier']:g}",
            escape(side["prompts"]),
            f"{rate['k']}/{rate['n']}",
            f"{100 * rate['low']:.0f}-{100 * rate['high']:.0f}%",
        )
    console.print(table)
    gap = found["difference"]
    test = "McNemar's exact test" if found["paired"] else "Fisher's exact test"
    console.print(
        f"\ndifference {in_points(gap['value'])} points, 95% CI {in_points(gap['low'])} to"
        f" {in_points(gap['high'])}; Cohen's h {found['cohens_h']:+.2f}; {test}: p ="
        f" {p_value(found['p'])}".replace("= <", "< "),
        markup=False,
        soft_wrap=True,
    )
    if found["paired"]:
        console.print(
            f"of {found['n']} prompts, {found['both']} {found['label']} on both sides,"
            f" {found['first_only']} on the first alone, {found['second_only']} on the second alone,"
            f" {found['neither']} on neither",
            markup=False,
            soft_wrap=True,
        )
    else:
        console.print("the prompts are not the same: compared as independent", markup=False)
    for note in found["notes"]:
        console.print(f"[yellow]note:[/] {escape(note)}", soft_wrap=True)
    if found["discordant"]:
        console.print()
        console.print(_side_by_side(found))


def _side_by_side(found: Mapping[str, Any]) -> Any:
    from rich.markup import escape
    from rich.table import Table

    from steerkit_core.report.console import LABEL_STYLE

    table = Table(title="prompts on which they disagree", title_justify="left", title_style="bold")
    for heading in ("prompt", "first", "second"):
        table.add_column(heading, ratio=1 if heading == "prompt" else 2)
    for row in found["discordant"]:
        texts = []
        for side in (row["first"], row["second"]):
            style = LABEL_STYLE.get(side["label"], "default")
            texts.append(f"[{style}]{escape(side['label'])}[/] {escape(side['text'].strip())}")
        table.add_row(
            f"[bold]{escape(row['prompt_id'])}[/] {escape(row['prompt'])}", *texts, end_section=True
        )
    return table
