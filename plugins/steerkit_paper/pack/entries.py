"""A replication as data: nested for JSON, flat for a table reader."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from steerkit_paper.pack.arms import Finding
from steerkit_paper.pack.figures import Figure
from steerkit_paper.pack.mapping import Mapping, Models
from steerkit_paper.pack.replication import Replication, RowResult, TableResult
from steerkit_paper.pack.runs import Run

SCHEMA_VERSION = 1


def as_json(replication: Replication, mapping: Mapping, folder: Path) -> dict[str, Any]:
    """What `replicate.json` holds; folders of runs are relative to its own."""
    paper = replication.paper
    return {
        "schema_version": SCHEMA_VERSION,
        "paper": {"title": paper.title, "author": paper.author, "year": paper.year},
        "models": replication.models,
        "rules": list(mapping.rules),
        "summary": replication.summary(),
        "tables": [_table(table, replication.models, folder) for table in replication.tables],
        "runs": [_run(run, folder) for run in replication.runs],
    }


def _table(table: TableResult, models: Models, folder: Path) -> dict[str, Any]:
    return {
        "id": table.table.id,
        "title": table.table.title,
        "section": table.table.section,
        "seconds": round(table.seconds, 1),
        "claims": [
            {
                "id": found.claim.id,
                "says": found.claim.says,
                "source": found.claim.source,
                "test": found.claim.test,
                "about": list(found.claim.about),
                "paper": _finding(found.paper),
                "ours": _finding(found.ours),
                "verdict": found.verdict,
            }
            for found in table.claims
        ],
        "rows": [row_entry(row, table.table.id, models, folder) for row in table.rows],
    }


def row_entry(row: RowResult, table: str, models: Models, folder: Path) -> dict[str, Any]:
    """One cell of the paper beside ours, flat but for the two numbers and their difference."""
    ours, found = row.ours, row.judged.difference
    return {
        "table": table,
        "id": row.cell.id,
        "row": row.cell.row,
        "column": row.cell.column,
        "printed": row.cell.printed,
        "source": row.cell.source,
        "printed_n": row.cell.n,
        "paper": _figure(row.printed),
        "quantity": row.quantity or None,
        "ours": None if ours is None else _figure(ours.figure),
        "ours_is": None if row.place is None else row.place.why,
        "same_model": models == "paper" if row.place else None,
        "run": None if ours is None else ours.run.folder.relative_to(folder).as_posix(),
        "recipe": None if ours is None else ours.run.recipe,
        "model": None if ours is None else ours.run.model,
        "cell": None if ours is None else ours.cell,
        "layer": None if ours is None else ours.layer,
        "multiplier": None if ours is None else ours.multiplier,
        "difference": None
        if found is None
        else {"value": found.value, "low": found.low, "high": found.high},
        "verdict": row.judged.verdict,
        "why": row.judged.why,
    }


def _figure(figure: Figure | None) -> dict[str, Any] | None:
    if figure is None:
        return None
    entry = {name: getattr(figure, name) for name in ("value", "k", "n", "low", "high", "depth")}
    # JSON has no infinity; the word is what results.json has too
    return {name: "inf" if value == float("inf") else value for name, value in entry.items()}


def _finding(found: Finding) -> dict[str, str]:
    return {"outcome": found.outcome, "numbers": found.numbers}


def _run(run: Run, folder: Path) -> dict[str, Any]:
    return {
        "recipe": run.recipe,
        "model": run.model,
        "folder": run.folder.relative_to(folder).as_posix(),
        "status": run.status,
        "reason": run.reason,
        "completions": run.completions,
        "generated": run.generated,
        "seconds": round(run.seconds, 1),
    }


def as_csv(replication: Replication, folder: Path) -> str:
    """One line for each cell of the paper; the parts of a number are columns of their own."""
    rows = [
        _flat(row_entry(row, table.table.id, replication.models, folder))
        for table in replication.tables
        for row in table.rows
    ]
    target = io.StringIO()
    writer = csv.DictWriter(target, fieldnames=list(rows[0]) if rows else ["table"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return target.getvalue()


PARTS = {
    "paper": ("value", "k", "n", "low", "high", "depth"),
    "ours": ("value", "k", "n", "low", "high", "depth"),
    "difference": ("value", "low", "high"),
}


def _flat(entry: dict[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in entry.items():
        if name in PARTS:
            flat |= {f"{name}_{part}": (value or {}).get(part) for part in PARTS[name]}
        else:
            flat[name] = value
    return flat
