"""Cells as rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import frozen

from steerkit_core.report.content.evidence import marked
from steerkit_core.report.content.maps import ended_early
from steerkit_core.report.content.record import Entry, RunRecord
from steerkit_core.report.page.sections.base import Section

MOST = 2000


@frozen
class CellTable:
    """Rows for cells; `varying` are the columns in which the cells of the run are not all alike."""

    rows: Sequence[Entry]
    varying: Sequence[str]
    labels: Sequence[str]


def section(run: RunRecord) -> Section:
    """All cells of the run."""
    cells = run.report["cells"]
    shown = cells[: run.limit(MOST)]
    values = {"table": columns(run, shown), "total": len(cells), "shown": len(shown)}
    return Section("cells", "All cells", values)


def columns(run: RunRecord, cells: Sequence[Entry]) -> CellTable:
    """What a table of these cells shows."""
    every = run.report["cells"]
    labels = list(dict.fromkeys(label for cell in every for label in cell["counts"] if label != "refusal"))
    marks = marked(run.report)
    several = len({cell["prompts"] for cell in every}) > 1
    varying = (*run.varying, "prompts") if several else run.varying
    rows = [_row(cell, varying, labels, marks, run.report["selected"]) for cell in cells]
    if any(cell.get("condition") for cell in every):
        labels.append("edited")  # by a site that edits some prompts only
        for row, cell in zip(rows, cells, strict=True):
            row["counts"].append(cell.get("edited", 0))
    return CellTable(rows, varying, labels)


def _row(
    cell: Entry, varying: Sequence[str], labels: Sequence[str], marks: set[str], selected: str | None
) -> dict[str, Any]:
    rate = cell["rates"].get("refusal")
    return {
        "id": cell["id"],
        "selected": cell["id"] == selected,
        "chosen": cell["selected"],
        "marked": cell["id"] in marks,
        "varying": ["" if cell.get(key) is None else cell[key] for key in varying],
        "what": where(cell),
        "multiplier": "" if cell["multiplier"] is None else f"{cell['multiplier']:g}",
        "dose": f"{cell['strength']['residual']:.3g}" if cell.get("strength") else "",
        "sick": cell.get("sick"),
        "rate": rate if rate is not None and rate["n"] and not cell.get("sick") else None,
        "of": cell["prompts_total"] if ended_early(cell) else None,
        "counts": [cell["rates"][label]["k"] if label in cell["rates"] else 0 for label in labels],
        "failed": cell["failed"],
    }


def where(cell: Entry) -> str:
    """`unsteered`, or the layer, and which control it is."""
    if cell["role"] == "baseline":
        return "unsteered"
    layer = "" if cell["layer"] is None else str(cell["layer"])
    return f"{layer}, {cell['control']}" if cell.get("control") else layer
