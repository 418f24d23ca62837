"""Cells as rows of a table."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from steerkit_core.report.content.columns import columns_for
from steerkit_core.report.content.evidence import marked
from steerkit_core.report.content.maps import ended_early
from steerkit_core.report.content.record import RunRecord
from steerkit_core.report.page.sections.base import Section
from steerkit_core.results.cells import CellRate, CellResult

MOST = 2000


@frozen(kw_only=True)
class CellRow:
    """A cell as the page's table shows it; `of` is how many prompts it has, where it was ended early."""

    id: str
    selected: bool
    chosen: bool
    marked: bool
    varying: Sequence[str]
    what: str
    multiplier: str
    strength: str
    failure: str | None
    rate: CellRate | None
    of: int | None
    values: Sequence[str]


@frozen
class CellTable:
    """Rows for cells; `varying` are the columns in which the cells of the run are not all alike."""

    rows: Sequence[CellRow]
    varying: Sequence[str]
    headings: Sequence[str]


def section(run: RunRecord) -> Section:
    """All cells of the run."""
    cells = run.results.cells
    shown = cells[: run.limit(MOST)]
    values = {"table": columns(run, shown), "total": len(cells), "shown": len(shown)}
    return Section("cells", "All cells", values)


def columns(run: RunRecord, cells: Sequence[CellResult]) -> CellTable:
    """What a table of these cells shows."""
    every = run.results.cells
    marks, extra = marked(run.results), columns_for(every)
    several = len({cell.prompts for cell in every}) > 1
    varying = (*run.varying, "prompts") if several else run.varying
    rows = [
        CellRow(
            id=cell.id,
            selected=cell.id == run.results.selected,
            chosen=cell.selected,
            marked=cell.id in marks,
            varying=["" if getattr(cell, key) is None else str(getattr(cell, key)) for key in varying],
            what=where(cell),
            multiplier="" if cell.multiplier is None else f"{cell.multiplier:g}",
            strength=_strength(cell),
            failure=cell.failure,
            rate=_rate(cell),
            of=cell.prompts_total if ended_early(cell) else None,
            values=[column.value(cell) for column in extra],
        )
        for cell in cells
    ]
    return CellTable(rows, varying, [column.heading for column in extra])


def _strength(cell: CellResult) -> str:
    found = None if cell.strength is None else cell.strength.residual
    return "" if found is None else f"{found:.3g}"


def _rate(cell: CellResult) -> CellRate | None:
    rate = cell.rates.get("refusal")
    return rate if rate is not None and rate.n and not cell.failure else None


def where(cell: CellResult) -> str:
    """`baseline`, or the layer, and which control it is."""
    if cell.role == "baseline":
        return "baseline"
    layer = "" if cell.layer is None else str(cell.layer)
    return f"{layer}, {cell.control}" if cell.control else layer
