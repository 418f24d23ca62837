"""Our number for a cell of the paper."""

from __future__ import annotations

from attrs import frozen

from steerkit_core import CellResult, TransferResult
from steerkit_paper.pack.figures import Figure
from steerkit_paper.pack.runs import Run


@frozen(kw_only=True)
class Answer:
    """Our number for a cell of the paper, and in which cell of which run it stands.

    The rest belongs to a chosen layer: `wanted` is the layer that the paper names, `best` the rate at the
    chosen one and `there` at the wanted one, `ties` the depths whose rates are not shown to be below the
    best, and `alone` that no other layer was generated with. `note` is what the number is made of.
    """

    figure: Figure
    run: Run
    cell: str
    layer: int | None
    multiplier: float | None
    best: Figure | None = None
    there: Figure | None = None
    wanted: int | None = None
    ties: tuple[float, ...] = ()
    alone: bool = False
    note: str = ""


def of_cell(run: Run, cell: CellResult, figure: Figure) -> Answer:
    """A number of one cell, with its layer and multiplier."""
    return Answer(figure=figure, run=run, cell=cell.id, layer=cell.layer, multiplier=cell.multiplier)


def of_transfer(run: Run, entry: TransferResult, figure: Figure, note: str = "") -> Answer:
    """A number of one transfer, at the layer and multiplier of the transferred direction."""
    return Answer(
        figure=figure,
        run=run,
        cell=entry.cell,
        layer=entry.layer,
        multiplier=entry.multiplier,
        note=note,
    )
