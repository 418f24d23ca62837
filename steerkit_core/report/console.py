"""Results in a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

LABEL_STYLE = {"refusal": "green", "garbled": "red", "normal": "default", "failed": "magenta"}
VARYING = ("model", "quantization", "extractor", "selector", "site", "unit", "classifier")


def print_report(report: Mapping[str, Any], folder: Path, console: Console | None = None) -> None:
    """The table of all cells, the selected one marked, and what a reader has to know."""
    console = console or Console(highlight=False)
    console.print()
    console.print(results_table(report))
    for cell in report["cells"]:
        for error in cell["errors"]:
            console.print(f"[magenta]failed[/] in cell {cell['id']}: {escape(error)}", soft_wrap=True)
    for selection in report["selections"]:
        changes = ", ".join(f"{place} = {value}" for place, value in selection["overrides"].items())
        prefix = f"{changes}: " if changes else ""
        console.print(
            f"\n{escape(prefix)}{selection['selector']} on {escape(selection['prompts'])}: {escape(selection['reason'])}",
            soft_wrap=True,
        )
    for note in report["notes"]:
        console.print(f"\n[yellow]note:[/] {escape(note)}", soft_wrap=True)


def results_table(report: Mapping[str, Any]) -> Table:
    """One row per cell; columns that are the same in all steered cells go into the title."""
    cells: Sequence[Mapping[str, Any]] = report["cells"]
    steered = [cell for cell in cells if cell["role"] != "baseline"] or cells
    varying = [key for key in VARYING if len({cell[key] for cell in steered}) > 1]
    common = [str(steered[0][key]) for key in VARYING if key not in varying and steered[0][key] not in (None, "none")]
    table = Table(
        title=escape(f"{report['run']['name']}: {', '.join(common)}"),
        title_justify="left",
        title_style="bold",
        header_style="bold",
        box=None,
        padding=(0, 2, 0, 0),
    )
    labels = list(dict.fromkeys(label for cell in cells for label in cell["counts"]))
    for heading in ("", "cell", *varying, "prompts"):
        table.add_column(heading)
    for heading in ("layer", "depth", "multiplier", "refusal", "95% interval"):
        table.add_column(heading, justify="right")
    others = [label for label in labels if label != "refusal"] + (
        ["failed"] if any(cell["failed"] for cell in cells) else []
    )
    for label in others:
        table.add_column(label, justify="right")
    for cell in sorted(cells, key=_order):
        table.add_row(*_row(cell, varying, others), style="bold" if cell["id"] == report["selected"] else None)
    return table


def print_completions(
    entry: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], console: Console | None = None
) -> None:
    """The completions of one cell with their verdicts."""
    console = console or Console(highlight=False)
    steering = (
        "unsteered"
        if entry["layer"] is None
        else f"layer {entry['layer']}, multiplier {_number(entry['multiplier'])}"
    )
    counts = ", ".join(f"{count} {label}" for label, count in entry["counts"].items())
    console.print(f"[bold]cell {entry['id']}[/]: {escape(entry['model'])}, {steering}; {counts}\n")
    for row in rows:
        style = LABEL_STYLE.get(row["label"], "default")
        why = f" ({row['rule']}: {row['evidence']})" if row["evidence"] else f" ({row['rule']})" if row["rule"] else ""
        console.print(
            f"[bold]{escape(row['prompt_id'])}[/] {escape(row['prompt'])}  [{style}]{row['label']}[/][dim]{escape(why)}[/]",
            soft_wrap=True,
        )
        console.print(f"    {escape(row['text'].strip())}\n", soft_wrap=True)


def _row(cell: Mapping[str, Any], varying: Sequence[str], others: Sequence[str]) -> list[str]:
    mark = "*" if cell["selected"] else ""
    name = "unsteered" if cell["role"] == "baseline" else cell["role"]
    rate = cell["rates"].get("refusal")
    refusal = f"{rate['k']}/{rate['n']}" if rate else "-"
    interval = f"{100 * rate['low']:.0f} to {100 * rate['high']:.0f}%" if rate and rate["n"] else "-"
    counts = {**cell["counts"], "failed": cell["failed"]}
    return [
        mark,
        name,
        *(str(cell[key] or "-") for key in varying),
        escape(cell["prompts"]),
        _number(cell["layer"]),
        _number(cell["depth"], "{:.2f}"),
        _number(cell["multiplier"]),
        refusal,
        interval,
        *(str(counts.get(label, 0)) for label in others),
    ]


def _order(cell: Mapping[str, Any]) -> tuple[Any, ...]:
    """Unsteered first, selected last, the others by place and strength."""
    return (
        cell["role"] != "baseline",
        cell["selected"],
        cell["model"],
        cell["quantization"],
        cell["layer"] if cell["layer"] is not None else -1,
        cell["multiplier"] or 0.0,
    )


def _number(value: float | None, form: str = "{:g}") -> str:
    return "-" if value is None else form.format(value)
