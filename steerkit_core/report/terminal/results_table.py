"""The table of cells in a terminal."""

from __future__ import annotations

from collections.abc import Sequence, Set

from rich.markup import escape
from rich.table import Table

from steerkit_core.report.content.columns import Column, columns_for
from steerkit_core.report.content.evidence import marked
from steerkit_core.report.content.maps import USUAL, VARYING, ended_early, in_words
from steerkit_core.report.content.percent import interval
from steerkit_core.report.terminal.layout import plain_table
from steerkit_core.results.cells import CellResult
from steerkit_core.results.results import RunResults

# what a narrow terminal does without, in this order; `apart` is a column for each thing that varies
OPTIONAL = ("depth", "prompts", "normal", "apart", "garbled")
TOGETHER = 16  # columns at least for all that varies, where it has one column together
MARK = "\u2020"


def results_table(
    results: RunResults, leave_out: Set[str] = frozenset(), narrow: Set[str] = frozenset()
) -> Table:
    """One row per cell; what is the same in all steered cells goes into the title.

    `narrow` names what there is no room for, see `OPTIONAL`; `prompts` stay where cells have several.
    """
    cells = [cell for cell in results.cells if cell.id not in leave_out]
    steered = [cell for cell in cells if cell.role != "baseline"] or cells
    varying = [key for key in VARYING if len({getattr(cell, key) for cell in steered}) > 1]
    common = [in_words(key, getattr(steered[0], key)) for key in VARYING if key not in varying]
    prompts = {cell.prompts for cell in cells}
    if "prompts" in narrow and len(prompts) == 1:
        common += prompts
    else:
        varying.append("prompts")
    title = ", ".join(value for value in common if value not in USUAL)
    table = plain_table(escape(f"{results.run.name}: {title}"))
    marks = marked(results)
    if marks & {cell.id for cell in cells}:
        table.caption = f"{MARK} chosen on the prompts that its rate is measured on"
        table.caption_justify = "left"
    extra = [column for column in columns_for(cells) if column.heading not in narrow]
    together = "apart" in narrow and len(varying) > 1
    depth = "depth" not in narrow
    _add_headings(table, varying, extra, together=together, depth=depth)
    for cell in sorted(cells, key=_order):
        mark = MARK if cell.id in marks else ""
        words = [str(getattr(cell, key) or "-") for key in varying]
        if together:
            words = [", ".join(word for word in words if word != "-")]
        row = [("*" if cell.selected else "") + mark, *map(escape, words)]
        row += [*_numbers(cell, depth=depth), *(column.value(cell) for column in extra)]
        table.add_row(*row, style="bold" if cell.selected else None)
    return table


def _add_headings(
    table: Table, varying: Sequence[str], extra: Sequence[Column], *, together: bool, depth: bool
) -> None:
    table.add_column("", no_wrap=True)
    if together:
        table.add_column("setting", min_width=TOGETHER, overflow="fold")
    else:
        for heading in varying:
            table.add_column(heading, no_wrap=True)
    headings = ["layer", *(["depth"] if depth else []), "mult.", "refusal", "95% CI"]
    for heading in (*headings, *(column.heading for column in extra)):
        table.add_column(heading, justify="right", no_wrap=True)


def _numbers(cell: CellResult, *, depth: bool) -> list[str]:
    rate = cell.rates.get("refusal")
    early = f" of {cell.prompts_total}" if ended_early(cell) else ""
    if rate is not None and rate.n and not cell.failure:
        found = [f"{rate.k}/{rate.n}{early}", interval(rate, "-")]
    else:
        found = ["[magenta]failed[/]" if cell.failure else "-", "-"]
    return [
        "baseline" if cell.role == "baseline" else _layer(cell),
        *([number(cell.depth, "{:.2f}")] if depth else []),
        number(cell.multiplier),
        *found,
    ]


def _order(cell: CellResult) -> tuple[bool, bool, bool, str, str, int, float]:
    """The baseline first, the selected cell last, the others by layer and strength."""
    return (
        cell.role != "baseline",
        cell.selected,
        cell.role == "control",
        cell.model,
        cell.quantization,
        cell.layer if cell.layer is not None else -1,
        cell.multiplier or 0.0,
    )


def _layer(cell: CellResult) -> str:
    return number(cell.layer) if cell.control is None else f"{cell.control}, {cell.layer}"


def number(value: float | None, form: str = "{:g}") -> str:
    """A number as a table has it; a dash for none."""
    return "-" if value is None else form.format(value)
