"""From a place of the mapping to the number that stands there."""

from __future__ import annotations

from collections.abc import Callable

from attrs import evolve

from steerkit_core import SteerkitError
from steerkit_paper.pack import transferred as transfers
from steerkit_paper.pack.answer import Answer, of_cell
from steerkit_paper.pack.cells import NoAnswer, Question, beside, chosen, layer_of, rate_of, steered
from steerkit_paper.pack.figures import Figure, difference


def answer(question: Question) -> Answer:
    """Our number.

    Raises:
        NoAnswer: the run was not run, failed, or has no such cell.
    """
    quantity = question.column.quantity
    if quantity not in QUANTITIES:
        raise SteerkitError(f"no quantity {quantity!r} (known: {', '.join(QUANTITIES)})")
    runs = (question.run, question.other) if quantity == "cosine between" else (question.asked,)
    for run in runs:
        if run is not None and run.status == "not run":
            raise NoAnswer(f"not run: {run.reason}")
    return QUANTITIES[quantity](question)


def _rate(question: Question) -> Answer:
    run, cell = question.asked, steered(question)
    return of_cell(run, cell, rate_of(run, cell, question.column.quantity))


def _interval(question: Question) -> Answer:
    run, cell = question.asked, steered(question)
    found = rate_of(run, cell, "refusal")
    return of_cell(run, cell, Figure(value=found.value, low=found.low, high=found.high))


def _prompts(question: Question) -> Answer:
    run, cell = question.asked, steered(question)
    return of_cell(run, cell, Figure(value=float(cell.n_unique)))


def _multiplier(question: Question) -> Answer:
    run, cell = question.asked, steered(question)
    if cell.multiplier is None:
        raise NoAnswer("the cell has no multiplier")
    return of_cell(run, cell, Figure(value=cell.multiplier))


def _layer(question: Question) -> Answer:
    run, cell = question.asked, steered(question)
    if cell.layer is None:
        raise NoAnswer("the cell has no layer")
    found = Figure(value=float(cell.layer), depth=cell.depth)
    best = rate_of(run, cell, "refusal")
    wanted = layer_of(question, question.cell.depth)
    rates = {
        (other.layer, other.depth): rate_of(run, other, "refusal")
        for other in beside(question, cell)
        if not other.failure
    }
    return evolve(
        of_cell(run, cell, found),
        best=best,
        there=next((rate for (layer, _), rate in rates.items() if layer == wanted), None),
        wanted=wanted,
        ties=tuple(
            depth for (_, depth), rate in rates.items() if depth is not None and not _below(rate, best)
        ),
        alone=len(rates) == 1,
    )


def _below(figure: Figure, best: Figure) -> bool:
    found = difference(figure, best)
    return found is not None and found.high < 0.0


def _cosine_to_unquantized(question: Question) -> Answer:
    run, cell = question.asked, steered(question)
    for entry in run.results.quantization:
        if entry.extraction == cell.extraction and entry.position == cell.position:
            cosine = entry.cosines[entry.layers.index(cell.layer)]
            if cosine is not None:
                return of_cell(run, cell, Figure(value=cosine))
    raise NoAnswer("the run has no cosine to the unquantized direction")


def _cosine_between(question: Question) -> Answer:
    """Of the directions that the two recipes chose, each at its own layer."""
    if question.other is None:
        raise NoAnswer("there is no second recipe")
    cells = [chosen(run, question) for run in (question.run, question.other)]
    one, other = (
        run.direction(cell) for run, cell in zip((question.run, question.other), cells, strict=True)
    )
    if one.shape != other.shape:
        raise NoAnswer("the directions have different widths")
    found = float(one @ other / (one.norm() * other.norm()))
    return of_cell(question.run, cells[0], Figure(value=found))


def _unsteered(question: Question) -> Answer:
    """Refusals without any edit, of the model as the run loaded it."""
    run, place = question.asked, question.place
    for cell in run.results.cells:
        if (cell.role, cell.model, cell.quantization) == ("baseline", place.model, "none"):
            return of_cell(run, cell, rate_of(run, cell, "refusal"))
    raise NoAnswer("the run has no baseline of the model")


QUANTITIES: dict[str, Callable[[Question], Answer]] = {
    "refusal": _rate,
    "garbled": _rate,
    "normal": _rate,
    "interval": _interval,
    "prompts": _prompts,
    "multiplier": _multiplier,
    "layer": _layer,
    "cosine to unquantized": _cosine_to_unquantized,
    "cosine between": _cosine_between,
    "unsteered": _unsteered,
    "transferred": transfers.transferred,
    "own": transfers.own,
    "efficiency": transfers.efficiency,
    "cosine across": transfers.cosine_across,
}
