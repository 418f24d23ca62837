"""A replication as files: JSON for a program, CSV for a table reader, Markdown and HTML for people."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

from steerkit_core import SteerkitError
from steerkit_paper.pack.claims import Finding
from steerkit_paper.pack.figures import Figure
from steerkit_paper.pack.mapping import Mapping, Models
from steerkit_paper.pack.replication import Replication, RowResult, TableResult
from steerkit_paper.pack.runs import RUNS, Run
from steerkit_paper.pack.wording import heading, line, overview, reasons, run_lines, summary

SCHEMA_VERSION = 1
PAGES = Path(__file__).parents[1] / "pages"
JSON, CSV, MARKDOWN, HTML = "replicate.json", "replicate.csv", "replicate.md", "replicate.html"
NAMES = (JSON, CSV, MARKDOWN, HTML)


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


def write_replication(replication: Replication, mapping: Mapping, folder: Path) -> list[Path]:
    """Write all four; each is replaced in one step, so that a reader never sees half of it.

    Raises:
        SteerkitError: the folder cannot be written to.
    """
    texts = {
        CSV: as_csv(replication, folder),
        MARKDOWN: render(replication, mapping, "replicate.md.jinja"),
        HTML: render(replication, mapping, "replicate.html.jinja"),
        JSON: json.dumps(as_json(replication, mapping, folder), indent=1, ensure_ascii=False) + "\n",
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            partial = folder / f".{name}.partial"
            partial.write_text(text, encoding="utf-8")
            partial.replace(folder / name)
    except OSError as error:
        raise SteerkitError(f"--out: {str(folder)!r} cannot be written to: {error.strerror}") from error
    return [folder / name for name in NAMES]


def earlier_tables(folder: Path, models: Models) -> list[str]:
    """The tables of an earlier replication in a folder; none in a new or empty one.

    Raises:
        SteerkitError: the folder holds something else, or a replication on other models.
    """
    if not folder.exists():
        return []
    if not folder.is_dir():
        raise SteerkitError(f"--out: {str(folder)!r} is a file, expected a folder")
    strangers = sorted(
        entry.name
        for entry in folder.iterdir()
        if entry.name not in (*NAMES, RUNS) and entry.name[0] != "."
    )
    if strangers:
        raise SteerkitError(
            f"--out: {str(folder)!r} holds {strangers[0]!r} and is no replication's: choose an empty or new"
            " folder"
        )
    try:
        found = json.loads((folder / JSON).read_text("utf-8"))
        earlier, tables = found["models"], [table["id"] for table in found["tables"]]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError):
        return []  # a damaged report is written again, from the runs
    if earlier != models:
        raise SteerkitError(
            f"--out: {str(folder)!r} holds a replication on the {earlier} models, not the {models} models:"
            " choose another folder"
        )
    return tables


def render(replication: Replication, mapping: Mapping, template: str) -> str:
    """One of the pages."""
    import jinja2

    environment = jinja2.Environment(
        autoescape=template.endswith(".html.jinja"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["cell"] = lambda text: text.replace("|", "\\|")
    source = (PAGES / template).read_text(encoding="utf-8")
    return environment.from_string(source).render(
        replication=replication,
        paper=replication.paper,
        mapping=mapping,
        tables=replication.tables,
        heading=heading,
        line=line,
        run_lines=run_lines,
        summary=summary(replication),
        overview=overview(replication),
        reasons=reasons(replication),
        stand_in=mapping.stand_in if replication.models == "bundled" else "",
        runs=replication.runs,
        runs_folder=RUNS,
    )
