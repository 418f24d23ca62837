"""The table of cells in a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any

from rich.markup import escape
from rich.table import Table

from steerkit_core.report.content.evidence import marked
from steerkit_core.report.content.maps import USUAL, VARYING, ended_early, in_words
from steerkit_core.report.content.percent import interval
from steerkit_core.report.terminal.layout import plain_table

# what a narrow terminal does without, in this order; `apart` is a column for each thing that varies
OPTIONAL = ("depth", "prompts", "normal", "apart", "garbled")
TOGETHER = 16  # columns at least for all that varies, where it has one column together


def results_table(
    report: Mapping[str, Any], leave_out: Set[str] = frozenset(), narrow: Set[str] = frozenset()
) -> Table:
    """One row per cell; what is the same in all steered cells goes into the title.

    `narrow` names what there is no room for, see `OPTIONAL`; `prompts` stay where cells have several.
    """
    cells = [cell for cell in report["cells"] if cell["id"] not in leave_out]
    steered = [cell for cell in cells if cell["role"] != "baseline"] or cells
    varying = [key for key in VARYING if len({cell.get(key) for cell in steered}) > 1]
    common = [in_words(key, steered[0].get(key)) for key in VARYING if key not in varying]
    prompts = {cell["prompts"] for cell in cells}
    if "prompts" in narrow and len(prompts) == 1:
        common += prompts
    else:
        varying.append("prompts")
    title = ", ".join(value for value in common if value not in USUAL)
    table = plain_table(escape(f"{report['run']['name']}: {title}"))
    marks = marked(report)
    if marks & {cell["id"] for cell in cells}:
        table.caption, table.caption_justify = (
            "\u2020 chosen on the prompts that its rate is measured on",
            "left",
        )
    others = list(dict.fromkeys(label for cell in cells for label in cell["counts"] if label != "refusal"))
    others = [label for label in others if label not in narrow]
    if any(cell["failed"] for cell in cells):
        others.append("failed")
    if any(cell.get("condition") for cell in cells):
        others.append("edited")
    table.add_column("", no_wrap=True)
    together = "apart" in narrow and len(varying) > 1
    if together:
        table.add_column("setting", min_width=TOGETHER, overflow="fold")
    else:
        for heading in varying:
            table.add_column(heading, no_wrap=True)
    depth = () if "depth" in narrow else ("depth",)
    for heading in ("layer", *depth, "mult.", "refusal", "95% CI", *others):
        table.add_column(heading, justify="right", no_wrap=True)
    for cell in sorted(cells, key=_order):
        mark = "\u2020" if cell["id"] in marks else ""
        words = [str(cell.get(key) or "-") for key in varying]
        if together:
            words = [", ".join(word for word in words if word != "-")]
        row = [("*" if cell["selected"] else "") + mark, *map(escape, words)]
        row += _numbers(cell, others, depth=bool(depth))
        table.add_row(*row, style="bold" if cell["selected"] else None)
    return table


def _numbers(cell: Mapping[str, Any], others: Sequence[str], *, depth: bool) -> list[str]:
    rate = cell["rates"].get("refusal")
    sick = bool(cell.get("sick"))
    known = rate is not None and rate["n"] > 0 and not sick
    counts = {label: found["k"] for label, found in cell["rates"].items()}
    counts |= {"failed": cell["failed"], "edited": cell.get("edited", 0)}
    early = f" of {cell['prompts_total']}" if ended_early(cell) else ""
    return [
        "unsteered" if cell["role"] == "baseline" else _layer(cell),
        *([number(cell["depth"], "{:.2f}")] if depth else []),
        number(cell["multiplier"]),
        f"{rate['k']}/{rate['n']}{early}" if known else "[magenta]failed[/]" if sick else "-",
        interval(rate, "-") if known else "-",
        *(str(counts.get(label, 0)) for label in others),
    ]


def _order(cell: Mapping[str, Any]) -> tuple[Any, ...]:
    """Unsteered first, selected last, the others by place and strength."""
    return (
        cell["role"] != "baseline",
        cell["selected"],
        cell["role"] == "control",
        cell["model"],
        cell["quantization"],
        cell["layer"] if cell["layer"] is not None else -1,
        cell["multiplier"] or 0.0,
    )


def _layer(cell: Mapping[str, Any]) -> str:
    control = cell.get("control")
    return number(cell["layer"]) if control is None else f"{control}, {cell['layer']}"


def number(value: float | None, form: str = "{:g}") -> str:
    """A number as a table has it; a dash for none."""
    return "-" if value is None else form.format(value)
