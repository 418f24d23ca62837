"""The cells of a run while they fill: how many rows each has, and what they are so far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from attrs import define, field
from rich.markup import escape
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from steerkit_core.progress import CellFacts, LiveJudge
    from steerkit_core.values import Completion

LABELS = ("refusal", "garbled", "normal")
STYLES = {"refusal": "green", "garbled": "red"}
VARYING = ("model", "quantization", "extractor", "site", "classifier")


@define(eq=False)
class FillingCell:
    """One cell: its columns, how many rows it is to have, and the verdicts so far.

    `judged` counts the rows that have a verdict; rows may be there that have none yet.
    """

    id: str
    facts: CellFacts
    total: int
    judge: LiveJudge | None
    rows: set[str] = field(factory=set)
    failed: int = 0
    waiting: list[Completion] = field(factory=list)
    counts: Counter[str] = field(factory=Counter)

    @property
    def judged(self) -> int:
        """How many rows have a verdict."""
        return sum(self.counts.values())

    @property
    def share(self) -> float:
        """Refusals among what is judged; 0 where nothing is."""
        return self.counts["refusal"] / self.judged if self.judged else 0.0

    def add(self, completion: Completion) -> None:
        """Count a row, once."""
        if completion.prompt.id not in self.rows:
            self.rows.add(completion.prompt.id)
            if completion.error is not None:
                self.failed += 1
            elif self.judge is not None:
                self.waiting.append(completion)


def catch_up(cells: Iterable[FillingCell]) -> None:
    """Judge the rows that came since this was last asked, all of one judge at once."""
    by_judge: dict[LiveJudge, list[tuple[FillingCell, Completion]]] = {}
    for cell in cells:
        if cell.judge is not None:
            by_judge.setdefault(cell.judge, []).extend((cell, row) for row in cell.waiting)
            cell.waiting.clear()
    for judge, rows in by_judge.items():
        if rows:
            for (cell, _), verdict in zip(rows, judge([row for _, row in rows]), strict=True):
                cell.counts[verdict.label] += 1


def cells_table(cells: Sequence[FillingCell], height: int, width: int) -> Table | None:
    """As many cells as fit, in their order: the baselines, and those with the most refusals so far.

    Args:
        cells: all of them, in the order in which they were begun.
        height: lines that the table may have.
        width: columns of the terminal.

    Returns:
        None where nothing is to be seen, or too few lines are left.
    """
    room = height - 2  # the heading, and a line for those that are left out
    if not cells or room < 1:
        return None
    shown = _most_telling(cells, room)
    steered = [cell.facts for cell in cells if cell.facts.role != "baseline"]
    varying = [key for key in VARYING if len({getattr(facts, key) for facts in steered}) > 1]
    varying = varying[: max(0, (width - 60) // 14)]
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0), show_edge=False)
    for heading in varying:
        table.add_column(heading, no_wrap=True, overflow="ellipsis", max_width=24)
    for heading in ("layer", "mult.", "rows", *LABELS):
        table.add_column(heading, justify="right", no_wrap=True)
    failed = any(cell.failed for cell in cells)
    if failed:
        table.add_column("failed", justify="right", no_wrap=True)
    for cell in shown:
        columns = [escape(str(getattr(cell.facts, key) or "-")) for key in varying]
        table.add_row(
            *columns,
            *_numbers(cell),
            *([f"[magenta]{cell.failed}[/]"] if failed else []),
            style=_style(cell),
        )
    hidden = len(cells) - len(shown)
    if hidden:
        full = sum(len(cell.rows) >= cell.total for cell in cells)
        table.caption = Text(f"{hidden} more cells; {full} of all {len(cells)} are full", style="dim")
        table.caption_justify = "left"
    return table


def _most_telling(cells: Sequence[FillingCell], room: int) -> list[FillingCell]:
    if len(cells) <= room:
        return list(cells)
    order = sorted(
        range(len(cells)),
        key=lambda place: (cells[place].facts.role != "baseline", -cells[place].share, place),
    )
    return [cells[place] for place in sorted(order[:room])]


def _numbers(cell: FillingCell) -> list[str]:
    facts = cell.facts
    layer = "-" if facts.layer is None else str(facts.layer)
    if facts.role == "baseline":
        layer = "baseline"
    if facts.control is not None:
        layer = f"{facts.control}, {layer}"
    multiplier = "-" if facts.multiplier is None else f"{facts.multiplier:g}"
    return [
        escape(layer),
        multiplier,
        f"{len(cell.rows)}/{cell.total}",
        *(_count(cell, one) for one in LABELS),
    ]


def _count(cell: FillingCell, label: str) -> str:
    """How many of what is judged; nothing where the judge is a model, which is asked at the end."""
    if not cell.judged:
        return "[dim]-[/]"
    count = cell.counts[label]
    shown = f"{count}/{cell.judged}"
    return f"[{STYLES[label]}]{shown}[/]" if count and label in STYLES else shown


def _style(cell: FillingCell) -> str | None:
    return None if len(cell.rows) < cell.total else "bold"
