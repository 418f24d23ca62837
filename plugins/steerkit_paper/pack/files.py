"""A replication as files: JSON for a program, CSV for a table reader, Markdown and HTML for people."""

from __future__ import annotations

import json
from pathlib import Path

from steerkit_core import SteerkitError
from steerkit_paper import writing
from steerkit_paper.pack.entries import as_csv, as_json
from steerkit_paper.pack.mapping import Models
from steerkit_paper.pack.replication import Replication
from steerkit_paper.pack.runs import RUNS
from steerkit_paper.pack.wording import heading, line, overview, reasons, run_lines, summary

JSON, CSV, MARKDOWN, HTML = "replicate.json", "replicate.csv", "replicate.md", "replicate.html"
NAMES = (JSON, CSV, MARKDOWN, HTML)


def write_replication(replication: Replication, folder: Path) -> list[Path]:
    """Write all four; each is replaced in one step, so that a reader never sees half of it.

    Raises:
        SteerkitError: the folder cannot be written to.
    """
    texts = {
        CSV: as_csv(replication, folder),
        MARKDOWN: render(replication, "replicate.md.jinja"),
        HTML: render(replication, "replicate.html.jinja"),
        JSON: writing.to_json(as_json(replication, folder)) + "\n",
    }
    writing.write_texts(folder, texts)
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


def render(replication: Replication, template: str) -> str:
    """One of the pages."""
    pack = replication.pack
    return writing.render(
        template,
        models=pack.models,
        paper=pack.paper,
        mapping=pack.mapping,
        tables=replication.tables,
        heading=heading,
        line=line,
        run_lines=run_lines,
        summary=summary(replication),
        overview=overview(replication),
        reasons=reasons(replication),
        stand_in="" if pack.same_models else pack.mapping.stand_in,
        runs=replication.runs,
        runs_folder=RUNS,
    )
