"""A replication as data: nested for JSON, flat for a table reader."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from attrs import evolve, fields, frozen

from steerkit_core import Estimate
from steerkit_paper.pack.arms import Finding
from steerkit_paper.pack.figures import Figure
from steerkit_paper.pack.replication import Replication, RowResult, TableResult
from steerkit_paper.pack.rule import Verdict
from steerkit_paper.pack.runs import Run
from steerkit_paper.records import Study
from steerkit_paper.writing import as_data

SCHEMA_VERSION = 1


@frozen(kw_only=True)
class RowEntry:
    """One cell of the paper beside ours, flat but for the two numbers and their difference."""

    table: str
    id: str
    row: str
    column: str
    printed: str
    source: str
    printed_n: int | None
    paper: Figure | None
    quantity: str | None
    ours: Figure | None = None
    ours_is: str | None = None
    same_model: bool | None = None
    run: Path | None = None
    recipe: str | None = None
    model: str | None = None
    cell: str | None = None
    layer: int | None = None
    multiplier: float | None = None
    difference: Estimate | None
    verdict: Verdict
    why: str


@frozen(kw_only=True)
class ClaimEntry:
    """One claim with its test, and what came of it on either side."""

    id: str
    says: str
    source: str
    test: str
    about: tuple[str, ...]
    paper: Finding
    ours: Finding
    verdict: Verdict


@frozen(kw_only=True)
class TableEntry:
    """One table of the paper."""

    id: str
    title: str
    section: str
    seconds: float
    claims: list[ClaimEntry]
    rows: list[RowEntry]


@frozen(kw_only=True)
class Report:
    """What `replicate.json` holds; folders of runs are relative to its own."""

    schema_version: int = SCHEMA_VERSION
    paper: Study
    models: str
    rules: tuple[str, ...]
    summary: dict[str, dict[str, int]]
    tables: list[TableEntry]
    runs: list[Run]


def as_json(replication: Replication, folder: Path) -> dict[str, object]:
    """What `replicate.json` holds, for a report in `folder`."""
    pack = replication.pack
    report = Report(
        paper=pack.paper.study,
        models=pack.models,
        rules=pack.mapping.rules,
        summary=replication.summary(),
        tables=[_table(table, replication, folder) for table in replication.tables],
        runs=[
            evolve(run, folder=run.folder.relative_to(folder), seconds=round(run.seconds, 1))
            for run in replication.runs
        ],
    )
    return as_data(report)


def _table(found: TableResult, replication: Replication, folder: Path) -> TableEntry:
    table = found.table
    claims = [
        ClaimEntry(
            id=entry.claim.id,
            says=entry.claim.says,
            source=entry.claim.source,
            test=entry.claim.test,
            about=entry.claim.about,
            paper=entry.paper,
            ours=entry.ours,
            verdict=entry.verdict,
        )
        for entry in found.claims
    ]
    return TableEntry(
        id=table.id,
        title=table.title,
        section=table.section,
        seconds=round(found.seconds, 1),
        claims=claims,
        rows=[_row(row, table.id, replication, folder) for row in found.rows],
    )


def _row(row: RowResult, table: str, replication: Replication, folder: Path) -> RowEntry:
    entry = RowEntry(
        table=table,
        id=row.cell.id,
        row=row.cell.row,
        column=row.cell.column,
        printed=row.cell.printed,
        source=row.cell.source,
        printed_n=row.cell.n,
        paper=row.printed,
        quantity=row.quantity or None,
        difference=row.judged.difference,
        verdict=row.judged.verdict,
        why=row.judged.why,
    )
    if row.place is not None:
        entry = evolve(entry, ours_is=row.place.why, same_model=replication.pack.same_models)
    if row.ours is None:
        return entry
    ours, run = row.ours, row.ours.run
    return evolve(
        entry,
        ours=ours.figure,
        run=run.folder.relative_to(folder),
        recipe=run.recipe,
        model=run.model,
        cell=ours.cell,
        layer=ours.layer,
        multiplier=ours.multiplier,
    )


# what is more than one column, and the class that says which
PARTS = {"paper": Figure, "ours": Figure, "difference": Estimate}


def as_csv(replication: Replication, folder: Path) -> str:
    """One line for each cell of the paper; the parts of a number are columns of their own."""
    rows = [
        _flat(_row(row, table.table.id, replication, folder))
        for table in replication.tables
        for row in table.rows
    ]
    target = io.StringIO()
    writer = csv.DictWriter(target, fieldnames=list(rows[0]) if rows else ["table"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return target.getvalue()


def _flat(row: RowEntry) -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in as_data(row).items():
        if name in PARTS:
            parts = [part.name for part in fields(PARTS[name]) if part.repr]
            flat |= {f"{name}_{part}": (value or {}).get(part) for part in parts}
        else:
            flat[name] = value
    return flat
