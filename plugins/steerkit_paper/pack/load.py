"""Read the mapping, and refuse one that leaves a cell of the paper without an answer or a reason."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from steerkit_core import SteerkitError
from steerkit_paper.pack.mapping import MODELS, Mapping, TableMap
from steerkit_paper.records import Paper, Table, read_document

DATA = Path(__file__).parents[1] / "data" / "replication.toml"
WHAT = "the answers to the paper"


def load_mapping(paper: Paper, text: str | None = None) -> Mapping:
    """The answers, from the file that ships unless a text is given.

    Raises:
        SteerkitError: the text is no such file, names something that the paper has not, or leaves a cell
            without an answer and without a reason.
    """
    mapping = read_document(DATA.read_text("utf-8") if text is None else text, Mapping, WHAT)
    for problem in _problems(paper, mapping):
        raise SteerkitError(f"{WHAT}: {problem}")
    return mapping


def _problems(paper: Paper, mapping: Mapping) -> Iterator[str]:
    tables = {table.id: table for table in paper.tables}
    for name in sorted(mapping.by_table.keys() ^ tables.keys()):
        yield f"table {name!r} is not in both files"
    for found in mapping.tables:
        yield from _problems_of(tables[found.id], found)
        for cell in tables[found.id].cells:
            for models in MODELS:
                if not mapping.find(found.id, cell, models):
                    yield f"cell {cell.id!r} has no answer on the {models} models, and no reason"
    for claim in mapping.claims:
        unknown = [name for name in claim.about if name not in paper.cells]
        unknown += [claim.table] if claim.table not in tables else []
        for name in unknown:
            yield f"claim {claim.id!r} is about {name!r}, which is not there"


def _problems_of(table: Table, found: TableMap) -> Iterator[str]:
    rows = {cell.row for cell in table.cells}
    for row in found.rows:
        if row.row not in rows:
            yield f"table {found.id!r} has no row {row.row!r}"
    for column in found.columns:
        if column.column not in table.columns:
            yield f"table {found.id!r} has no column {column.column!r}"
        if not column.quantity and not column.reason:
            yield f"column {column.column!r} of {found.id!r} needs a quantity or a reason"
