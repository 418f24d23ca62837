"""A replication in words, for the terminal, the pages and the table files alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from attrs import frozen

from steerkit_paper.pack.figures import RATES, Figure, points
from steerkit_paper.pack.replication import ClaimResult, Replication, RowResult, TableResult
from steerkit_paper.pack.rule import count_verdicts

# of settings, which are shown and not compared
WHOLE = {"prompts": "", "multiplier": "x"}


@frozen(kw_only=True)
class Line:
    """One cell of the paper as it is shown; `bars` are both intervals in percent, of two rates."""

    row: str
    column: str
    printed: str
    by_prompt: str
    ours: str
    where: str
    difference: str
    verdict: str
    why: str
    bars: tuple[tuple[float, float, float], ...] = ()


def line(result: RowResult) -> Line:
    """A cell in words."""
    ours = result.ours
    return Line(
        row=result.cell.row,
        column=result.cell.column,
        printed=result.cell.printed,
        by_prompt=number(result.printed, result.quantity)
        if counted(result.printed) or result.quantity == "prompts"
        else "",
        ours="" if ours is None else number(ours.figure, result.quantity),
        where="" if ours is None else where(result),
        difference="" if result.judged.difference is None else points(result.judged.difference),
        verdict=result.judged.verdict,
        why=result.judged.why,
        bars=_bars(result.printed, None if ours is None else ours.figure),
    )


def counted(figure: Figure | None) -> bool:
    """Whether a number is a rate with counts."""
    return figure is not None and figure.counts is not None


def number(figure: Figure | None, quantity: str) -> str:
    """A number with its interval, if it has one."""
    if figure is None:
        return ""
    if figure.counts is not None:
        low, high = 100 * (figure.low or 0.0), 100 * (figure.high or 0.0)
        return f"{figure.k}/{figure.n}, {low:.0f}-{high:.0f}%"
    if quantity in RATES:
        return f"{100 * figure.value:g}%"
    if quantity in WHOLE:
        return f"{figure.value:g}{WHOLE[quantity]}"
    if quantity == "interval":
        return f"[{100 * (figure.low or 0.0):.1f}%, {100 * (figure.high or 0.0):.1f}%]"
    if quantity == "layer":
        return f"L{figure.value:.0f} ({100 * (figure.depth or 0.0):.0f}%)"
    if figure.low is None or figure.high is None:
        return f"{figure.value:.3f}"
    return f"{figure.value:.2f}, {figure.low:.2f}-{figure.high:.2f}"


def where(result: RowResult) -> str:
    """The cell that our number stands in: model, layer and multiplier."""
    ours = result.ours
    if ours is None:
        return ""
    parts = [short(ours.run.model)]
    parts += [] if ours.layer is None or result.quantity == "layer" else [f"L{ours.layer}"]
    parts += [] if ours.multiplier is None else [f"{ours.multiplier:g}x"]
    return " ".join(parts) + (f", {ours.note}" if ours.note else "")


def short(model: str) -> str:
    """A model's name without its owner."""
    return model.rpartition("/")[2].removeprefix("bundled:")


def heading(table: TableResult) -> str:
    """A table's title."""
    named = table.table.section not in ("none", table.table.id)
    section = f", section {table.table.section}" if named else ""
    return f"{table.table.title} ({table.table.id}{section})"


def summary(replication: Replication) -> list[str]:
    """What came out, in sentences."""
    found = replication.summary()
    cells, claims, runs = found["cells"], found["claims"], found["runs"]
    lines = [
        f"{sum(claims.values())} claims: {_counts(claims)}",
        f"{sum(cells.values())} cells: {_counts(cells)}",
    ]
    total = sum(runs.values())
    lines.append(f"{total} runs" + (f", {runs['not run']} of them not run" if runs["not run"] else ""))
    return lines


@frozen(kw_only=True)
class Overview:
    """What came of one table: its claims, and how many of its cells agree, differ, cannot be compared."""

    id: str
    title: str
    claims: tuple[ClaimResult, ...]
    cells: dict[str, int]

    @property
    def words(self) -> str:
        """The counts of cells in words, without those that are 0."""
        return _counts({name: count for name, count in self.cells.items() if count})

    @property
    def claim_counts(self) -> dict[str, int]:
        """How many claims got each verdict."""
        return count_verdicts(found.verdict for found in self.claims)


def overview(replication: Replication) -> list[Overview]:
    """Each table with its claims and counts."""
    return [
        Overview(
            id=table.table.id,
            title=table.table.title,
            claims=table.claims,
            cells=count_verdicts(row.judged.verdict for row in table.rows),
        )
        for table in replication.tables
    ]


def reasons(replication: Replication) -> list[tuple[str, int]]:
    """Why cells are not comparable, and how many for each reason, the commonest first."""
    rows = [row.judged for table in replication.tables for row in table.rows]
    return Counter(found.why for found in rows if found.verdict == "not comparable").most_common()


def run_lines(table: TableResult) -> list[str]:
    """The runs behind a table, in words."""
    return [
        f"{run.recipe} on {run.model}: "
        + (f"not run, {run.reason}" if run.status == "not run" else f"{run.completions} completions")
        for run in table.runs
    ]


def _counts(found: dict[str, int]) -> str:
    plural = {"agrees": "agree", "differs": "differ"}
    return ", ".join(
        f"{count} {name if count == 1 else plural.get(name, name)}" for name, count in found.items()
    )


def _bars(*figures: Figure | None) -> tuple[tuple[float, float, float], ...]:
    found: Sequence[Figure] = [figure for figure in figures if figure is not None and counted(figure)]
    if len(found) < 2:
        return ()
    return tuple(
        (100 * (figure.low or 0.0), 100 * figure.value, 100 * (figure.high or 0.0)) for figure in found
    )
