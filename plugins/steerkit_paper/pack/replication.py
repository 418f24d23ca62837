"""The pack: every table's runs, every cell's verdict, every claim's."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from attrs import field, frozen

from steerkit_paper.pack.answer import Answer
from steerkit_paper.pack.answers import answer
from steerkit_paper.pack.arms import Arm, Finding
from steerkit_paper.pack.cells import NoAnswer, Question
from steerkit_paper.pack.claims import try_claim
from steerkit_paper.pack.figures import Figure, printed_figure
from steerkit_paper.pack.mapping import Mapping, Models, Place, Trial
from steerkit_paper.pack.rule import Judged, Verdict, judge
from steerkit_paper.pack.runs import Run, Runs
from steerkit_paper.records import Cell, Paper, Table

Getter = Callable[[str, str], Run]


@frozen(kw_only=True)
class RowResult:
    """One cell of the paper beside ours; `place` is None where the mapping has no answer for it."""

    cell: Cell
    quantity: str
    judged: Judged
    printed: Figure | None = None
    ours: Answer | None = None
    place: Place | None = None


@frozen(kw_only=True)
class ClaimResult:
    """One claim on the paper's counts and on ours."""

    claim: Trial
    paper: Finding
    ours: Finding
    verdict: Verdict


@frozen(kw_only=True)
class TableResult:
    """One table: its cells, its claims, the runs behind them, and the seconds that they took."""

    table: Table
    rows: tuple[RowResult, ...]
    claims: tuple[ClaimResult, ...]
    runs: tuple[Run, ...]
    seconds: float = 0.0


@frozen(kw_only=True)
class Replication:
    """All tables that have been run so far, on one kind of models."""

    paper: Paper
    models: Models
    tables: tuple[TableResult, ...] = field(factory=tuple)

    def summary(self) -> dict[str, dict[str, int]]:
        """How many cells, and how many claims, got each verdict; and how many runs there are."""
        verdicts: tuple[Verdict, ...] = ("agrees", "differs", "not comparable")
        cells = Counter(row.judged.verdict for table in self.tables for row in table.rows)
        claims = Counter(found.verdict for table in self.tables for found in table.claims)
        runs = {run.folder: run.status for table in self.tables for run in table.runs}
        statuses = Counter("not run" if status == "not run" else "run" for status in runs.values())
        return {
            "cells": {verdict: cells[verdict] for verdict in verdicts},
            "claims": {verdict: claims[verdict] for verdict in verdicts},
            "runs": {status: statuses[status] for status in ("run", "not run")},
        }

    @property
    def runs(self) -> list[Run]:
        """Every run, once."""
        return list({run.folder: run for table in self.tables for run in table.runs}.values())


def run_tables(
    paper: Paper,
    mapping: Mapping,
    models: Models,
    runs: Runs,
    tables: Sequence[str],
    kept: Sequence[str] = (),
) -> Iterator[TableResult]:
    """Each table in the paper's order, as soon as its runs are done.

    Args:
        paper: what is printed.
        mapping: where the answers stand.
        models: whose runs.
        runs: the folder of the runs.
        tables: those to be run.
        kept: tables of an earlier command, which are read as far as they are there.
    """
    wanted = [table for table in paper.tables if table.id in tables or table.id in kept]
    number = 0
    for table in wanted:
        if table.id not in tables:
            yield read_table(paper, mapping, models, table, runs.read)
            continue
        number += 1
        what = f"table {number} of {len(tables)}, {table.id}"
        started = time.monotonic()
        for recipe, model in mapping.places(table.id, models):
            runs.get(recipe, model, what)
        seconds = time.monotonic() - started
        yield read_table(paper, mapping, models, table, runs.read, seconds)


def read_table(
    paper: Paper, mapping: Mapping, models: Models, table: Table, get: Getter, seconds: float = 0.0
) -> TableResult:
    """A table's verdicts from its runs."""
    rows = tuple(_row(paper, mapping, models, table.id, cell, get) for cell in table.cells)
    claims = tuple(
        _claim(paper, mapping, models, claim, get) for claim in mapping.claims if claim.table == table.id
    )
    return TableResult(
        table=table,
        rows=rows,
        claims=claims,
        runs=tuple(get(recipe, model) for recipe, model in mapping.places(table.id, models)),
        seconds=seconds,
    )


def _row(paper: Paper, mapping: Mapping, models: Models, table: str, cell: Cell, get: Getter) -> RowResult:
    found = mapping.find(table, cell, models)
    if isinstance(found, str):
        judged = Judged(verdict="not comparable", why=found)
        known = mapping.column(table, cell)
        quantity = "" if known is None else known.quantity
        printed = printed_figure(paper, cell, quantity)
        return RowResult(cell=cell, quantity=quantity, judged=judged, printed=printed)
    place, column = found
    same = models == "paper"
    printed = printed_figure(paper, cell, column.quantity)
    question = Question(
        cell=cell,
        place=place,
        column=column,
        run=get(place.recipe, place.model),
        other=get(place.other, place.model) if place.other else None,
        same=same,
    )
    try:
        ours = answer(question)
    except NoAnswer as reason:
        judged = Judged(verdict="not comparable", why=str(reason))
        return RowResult(cell=cell, quantity=column.quantity, judged=judged, printed=printed, place=place)
    if column.reason:
        judged = Judged(verdict="not comparable", why=column.reason)
    else:
        judged = judge(printed, ours, column, same=same, text=cell.printed)
    return RowResult(
        cell=cell, quantity=column.quantity, judged=judged, printed=printed, ours=ours, place=place
    )


def _claim(paper: Paper, mapping: Mapping, models: Models, claim: Trial, get: Getter) -> ClaimResult:
    printed: dict[str, Arm] = {}
    ours: dict[str, Arm] = {}
    homes = {cell.id: table.id for table in paper.tables for cell in table.cells}
    widths = claim.widths or (None,) * len(claim.about)
    for name, width in zip(claim.about, widths, strict=True):
        row = _row(paper, mapping, models, homes[name], paper.cells[name], get)
        if row.printed is not None:
            printed[name] = Arm(row=row.cell.row, figure=row.printed, width=width)
        if row.ours is not None:
            ours[name] = _arm(row.ours, with_texts=claim.test == "identical")
    on_paper, on_ours = try_claim(claim, printed), try_claim(claim, ours)
    verdicts: dict[str, Verdict] = {"holds": "agrees", "does not hold": "differs"}
    return ClaimResult(
        claim=claim,
        paper=on_paper,
        ours=on_ours,
        verdict=verdicts.get(on_ours.outcome, "not comparable"),
    )


def _arm(ours: Answer, *, with_texts: bool) -> Arm:
    return Arm(
        row=ours.run.model,
        figure=ours.figure,
        ties=ours.ties,
        width=ours.run.models[ours.run.model]["hidden_size"],
        texts=ours.run.texts(ours.cell) if with_texts else {},
    )
