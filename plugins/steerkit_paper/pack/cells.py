"""Which cell of a run is meant, and what its rates are."""

from __future__ import annotations

from operator import attrgetter

from attrs import frozen

from steerkit_core import CellResult
from steerkit_paper.pack.figures import Figure, rate
from steerkit_paper.pack.mapping import Column, Place
from steerkit_paper.pack.runs import Run
from steerkit_paper.records import Cell


class NoAnswer(Exception):
    """Why a run has no number for a cell."""


@frozen(kw_only=True)
class Question:
    """What is asked: a cell of the paper, where its answer stands, and the runs of its recipes.

    `same` is whether the run's model is the cell's own: then its layers are the paper's layers, and else
    those at the same relative depth.
    """

    cell: Cell
    place: Place
    column: Column
    run: Run
    other: Run | None
    same: bool

    @property
    def asked(self) -> Run:
        """The run that the column is read from."""
        return self.other if self.column.of == "other" and self.other is not None else self.run


def steered(question: Question) -> CellResult:
    """The steered cell that a rate or layer is read from."""
    cell = chosen(question.asked, question)
    wanted = layer_of(question, question.column.depth)
    if wanted is None:
        return cell
    for other in beside(question, cell):
        if other.layer == wanted:
            return other
    raise NoAnswer(f"the run has no cell at layer {wanted}")


def chosen(run: Run, question: Question) -> CellResult:
    """The cell that the run chose for the model and precision, at the multiplier that is asked for."""
    place, column = question.place, question.column
    multiplier = place.multiplier if column.multiplier is None else column.multiplier
    for cell in run.results.cells:
        if (
            cell.selected
            and cell.role == "steered"
            and cell.origin is None
            and cell.source == "self"
            and cell.model == place.model
            and cell.quantization == column.quantization
            and multiplier in (None, cell.multiplier)
        ):
            return cell
    failed = [entry.reason for entry in run.results.selections if entry.failed]
    raise NoAnswer(f"failed: {failed[0]}" if failed else "the run has no such cell")


def beside(question: Question, chosen: CellResult) -> list[CellResult]:
    """The cells of the chosen one's sweep at its multiplier."""
    same = attrgetter("extraction", "position", "multiplier", "role", "control", "prompts")
    return [cell for cell in question.asked.results.cells if same(cell) == same(chosen)]


def layer_of(question: Question, depth: int | None) -> int | None:
    """The layer that is meant: the paper's in its own model, else the one at the same relative depth."""
    if depth is None:
        return None
    if question.same and question.cell.layer is not None:
        return question.cell.layer
    # exact in whole numbers, where 0.7 * 10 may be less than 7
    blocks = question.asked.models[question.place.model].num_layers
    return None if blocks is None else blocks * depth // 100


def rate_of(run: Run, cell: CellResult, label: str) -> Figure:
    """The rate of a label in a cell.

    Raises:
        NoAnswer: the cell failed.
    """
    if cell.failure:
        raise NoAnswer(f"failed: {cell.failure}")
    found = cell.rates.get(label)
    if found is None or not found.n:
        raise NoAnswer("failed: no completion was judged")
    labels = run.labels.get(cell.id, {})
    hits = {prompt: "yes" if label == given else "no" for prompt, given in labels.items()}
    return rate(found.k, found.n, hits if len(hits) == found.n else None)
