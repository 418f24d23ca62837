"""Whether the paper agrees with itself, with its results file, and with its repository's readme."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Literal

from attrs import frozen

from steerkit_paper.records import Cell, Paper, Side, Table, decimals_of, half_unit

LABELS = ("coherent", "garbled", "normal")


@frozen(kw_only=True)
class Steps:
    """How many rates of `n` could come from `unique` prompts that were each run n / unique times alike.

    Were there n different prompts, every rate in steps of 100 / n would do, and few would be among these.
    """

    n: int
    unique: int
    rates: int
    whole: int
    source: str


@frozen(kw_only=True)
class Sum:
    """A check of one cell, or of one row, that needs nothing else.

    `kind`: "rate", counts that give the printed rate; "depth", a layer at the printed depth; "whole", the
    shares of a row that make 100 percent.
    """

    id: str
    table: str
    kind: Literal["rate", "depth", "whole"]
    printed: str
    ours: float
    holds: bool


@frozen(kw_only=True)
class Disagreement:
    """One quantity that different sources give differently."""

    id: str
    table: str
    what: str
    sides: tuple[Side, ...]
    note: str = ""


def steps(paper: Paper, tables: Collection[str]) -> Iterator[Steps]:
    """For every n that is said to be repeats, what the rates of some tables say of it."""
    cells = [cell for table in paper.tables if table.id in tables for cell in table.cells]
    for entry in paper.repeats:
        found = [cell.k for cell in cells if cell.n == entry.n and cell.k is not None]
        whole = sum(k * entry.unique % entry.n == 0 for k in found)
        if found:
            yield Steps(n=entry.n, unique=entry.unique, rates=len(found), whole=whole, source=entry.source)


def cross_sums(paper: Paper, tables: Collection[str]) -> Iterator[Sum]:
    """Every rate, depth and row of some tables, checked against its own parts."""
    for table in paper.tables:
        if table.id not in tables:
            continue
        for cell in table.cells:
            if cell.k is not None and cell.n and cell.value is not None:
                ours = 100 * cell.k / cell.n
                right = abs(ours - cell.value) <= half_unit(decimals_of(cell.printed))
                yield Sum(
                    id=cell.id, table=table.id, kind="rate", printed=cell.printed, ours=ours, holds=right
                )
            if cell.layer is not None and cell.depth is not None and cell.model is not None:
                yield _depth(paper, table, cell, cell.layer, cell.depth, cell.model)
        yield from _wholes(table)


def _depth(paper: Paper, table: Table, cell: Cell, layer: int, depth: int, model: str) -> Sum:
    """The paper counts `int(blocks * depth)`; a layer that an algorithm chose has its depth rounded."""
    blocks = paper.models[model].blocks
    right = layer == blocks * depth // 100 or round(100 * layer / blocks) == depth
    return Sum(
        id=f"{cell.id}.depth",
        table=table.id,
        kind="depth",
        printed=f"layer {layer} at {depth}%",
        ours=100 * layer / blocks,
        holds=right,
    )


def _wholes(table: Table) -> Iterator[Sum]:
    for row, cells in table.by_row.items():
        shares = [cell for cell in cells if cell.column in LABELS and cell.value is not None]
        if {cell.column for cell in shares} == set(LABELS):
            total = sum(cell.value or 0.0 for cell in shares)
            yield Sum(
                id=f"{table.id}: {row}",
                table=table.id,
                kind="whole",
                printed=" + ".join(cell.printed for cell in shares),
                ours=total,
                # three rounded shares may miss 100 by one
                holds=abs(total - 100) <= 1,
            )


def compare_sources(paper: Paper, tables: Collection[str]) -> tuple[list[Disagreement], int]:
    """What the sources give differently, and how many quantities were compared."""
    found: list[Disagreement] = []
    compared = 0
    for table in paper.tables:
        if table.id in tables:
            for cell in table.cells:
                both = list(_beside_file(table, cell))
                compared += len(both)
                found += [entry for entry, right in both if not right]
    for entry in paper.contradictions:
        if entry.table in tables:
            compared += 1
            if len({side.says for side in entry.sides}) > 1:
                found.append(
                    Disagreement(
                        id=entry.id, table=entry.table, what=entry.what, sides=entry.sides, note=entry.note
                    )
                )
    return found, compared


def _beside_file(table: Table, cell: Cell) -> Iterator[tuple[Disagreement, bool]]:
    if cell.key is None:
        return
    where = f"{cell.row}, {cell.column}"
    printed = cell.value if cell.value is not None else cell.layer
    if cell.key_value is not None and printed is not None:
        # a layer is a whole number, whatever the decimals of the depth beside it
        reach = 0.0 if cell.value is None else half_unit(decimals_of(cell.printed))
        right = abs(cell.key_value - printed) <= reach
        sides = _sides(printed, cell.source, cell.key_value, cell.key)
        yield Disagreement(id=cell.id, table=table.id, what=where, sides=sides), right
    if cell.key_n is not None and cell.n is not None:
        sides = _sides(cell.n, cell.source, cell.key_n, cell.key)
        entry = Disagreement(id=f"{cell.id}.n", table=table.id, what=f"n of {where}", sides=sides)
        yield entry, cell.n == cell.key_n


def _sides(value: float, source: str, other: float, key: str) -> tuple[Side, Side]:
    return Side(says=f"{value:g}", source=source), Side(says=f"{other:g}", source=key)
