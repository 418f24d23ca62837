"""The pack: every table's runs, every cell's verdict, every claim's."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from attrs import evolve, frozen

from steerkit_paper.pack.answer import Answer
from steerkit_paper.pack.answers import answer
from steerkit_paper.pack.arms import Arm, Finding
from steerkit_paper.pack.cells import NoAnswer, Question
from steerkit_paper.pack.claims import try_claim
from steerkit_paper.pack.figures import Figure, printed_figure
from steerkit_paper.pack.mapping import Mapping, Models, Place, Trial
from steerkit_paper.pack.rule import Judged, Verdict, count_verdicts, judge, not_comparable
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
class Pack:
    """What the paper prints, where our answers stand, and on which models."""

    paper: Paper
    mapping: Mapping
    models: Models

    @property
    def same_models(self) -> bool:
        """Whether the models are the paper's own."""
        return self.models == "paper"

    def run(self, runs: Runs, tables: Sequence[str], kept: Sequence[str] = ()) -> Iterator[TableResult]:
        """Each table in the paper's order, as soon as its runs are done.

        Args:
            runs: the folder of the runs.
            tables: those to be run.
            kept: tables of an earlier command, which are read as far as they are there.
        """
        number = 0
        for table in self.paper.tables:
            if table.id in tables:
                number += 1
                what = f"table {number} of {len(tables)}, {table.id}"
                started = time.monotonic()
                for recipe, model in self.mapping.places(table.id, self.models):
                    runs.get(recipe, model, what)
                yield self.read(table, runs.read, time.monotonic() - started)
            elif table.id in kept:
                yield self.read(table, runs.read)

    def read(self, table: Table, get: Getter, seconds: float = 0.0) -> TableResult:
        """A table's verdicts from its runs."""
        claims = [claim for claim in self.mapping.claims if claim.table == table.id]
        return TableResult(
            table=table,
            rows=tuple(self._row(table.id, cell, get) for cell in table.cells),
            claims=tuple(self._claim(claim, get) for claim in claims),
            runs=tuple(get(*place) for place in self.mapping.places(table.id, self.models)),
            seconds=seconds,
        )

    def _row(self, table: str, cell: Cell, get: Getter) -> RowResult:
        found = self.mapping.find(table, cell, self.models)
        if isinstance(found, str):
            known = self.mapping.column(table, cell)
            quantity = "" if known is None else known.quantity
            printed = printed_figure(self.paper, cell, quantity)
            return RowResult(cell=cell, quantity=quantity, judged=not_comparable(found), printed=printed)
        place, column = found
        printed = printed_figure(self.paper, cell, column.quantity)
        question = Question(
            cell=cell,
            place=place,
            column=column,
            run=get(place.recipe, place.model),
            other=get(place.other, place.model) if place.other else None,
            same=self.same_models,
        )
        ours = None
        try:
            ours = answer(question)
        except NoAnswer as reason:
            judged = not_comparable(str(reason))
        else:
            judged = (
                not_comparable(column.reason)
                if column.reason
                else judge(printed, ours, column, same=self.same_models, text=cell.printed)
            )
        return RowResult(
            cell=cell, quantity=column.quantity, judged=judged, printed=printed, ours=ours, place=place
        )

    def _claim(self, claim: Trial, get: Getter) -> ClaimResult:
        printed: dict[str, Arm] = {}
        ours: dict[str, Arm] = {}
        homes = {cell.id: table.id for table in self.paper.tables for cell in table.cells}
        widths = claim.widths or (None,) * len(claim.about)
        for name, width in zip(claim.about, widths, strict=True):
            row = self._row(homes[name], self.paper.cells[name], get)
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
        width=ours.run.models[ours.run.model].hidden_size,
        texts=ours.run.texts(ours.cell) if with_texts else {},
    )


@frozen(kw_only=True)
class Replication:
    """All tables that have been run so far."""

    pack: Pack
    tables: tuple[TableResult, ...] = ()

    def with_table(self, table: TableResult) -> Replication:
        """The same with one table more."""
        return evolve(self, tables=(*self.tables, table))

    def summary(self) -> dict[str, dict[str, int]]:
        """How many cells, and how many claims, got each verdict; and how many runs there are."""
        statuses = Counter("not run" if run.status == "not run" else "run" for run in self.runs)
        return {
            "cells": count_verdicts(row.judged.verdict for table in self.tables for row in table.rows),
            "claims": count_verdicts(found.verdict for table in self.tables for found in table.claims),
            "runs": {status: statuses[status] for status in ("run", "not run")},
        }

    @property
    def runs(self) -> list[Run]:
        """Every run, once."""
        return list({run.folder: run for table in self.tables for run in table.runs}.values())
