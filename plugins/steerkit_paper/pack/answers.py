"""From a place of the mapping to the number that stands there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attrs import frozen

from steerkit_core import SteerkitError
from steerkit_paper.measures import ratio_interval
from steerkit_paper.pack.cells import NoAnswer, Question, beside, chosen, layer_of, rate_of, steered
from steerkit_paper.pack.figures import Figure, difference
from steerkit_paper.pack.runs import Run

Entry = Mapping[str, Any]


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
    return _answer(run, cell, rate_of(run, cell, question.column.quantity))


def _interval(question: Question) -> Answer:
    run, cell = question.asked, steered(question)
    found = rate_of(run, cell, "refusal")
    return _answer(run, cell, Figure(value=found.value, low=found.low, high=found.high))


def _prompts(question: Question) -> Answer:
    run, cell = question.asked, steered(question)
    return _answer(run, cell, Figure(value=float(cell["n_unique"])))


def _multiplier(question: Question) -> Answer:
    run, cell = question.asked, steered(question)
    return _answer(run, cell, Figure(value=cell["multiplier"]))


def _layer(question: Question) -> Answer:
    run, cell = question.asked, steered(question)
    found = Figure(value=float(cell["layer"]), depth=cell["depth"])
    best = rate_of(run, cell, "refusal")
    wanted = layer_of(question, question.cell.depth)
    rates = {
        (other["layer"], other["depth"]): rate_of(run, other, "refusal")
        for other in beside(question, cell)
        if not other["sick"]
    }
    return Answer(
        figure=found,
        run=run,
        cell=cell["id"],
        layer=cell["layer"],
        multiplier=cell["multiplier"],
        best=best,
        there=next((rate for (layer, _), rate in rates.items() if layer == wanted), None),
        wanted=wanted,
        ties=tuple(depth for (_, depth), rate in rates.items() if not _below(rate, best)),
        alone=len(rates) == 1,
    )


def _below(figure: Figure, best: Figure) -> bool:
    found = difference(figure, best)
    return found is not None and found.high < 0.0


def _cosine_to_unquantized(question: Question) -> Answer:
    run, cell = question.asked, steered(question)
    for entry in run.report["quantization"]:
        if entry["extraction"] == cell["extraction"] and entry["position"] == cell["position"]:
            cosine = entry["cosines"][entry["layers"].index(cell["layer"])]
            if cosine is not None:
                return _answer(run, cell, Figure(value=cosine))
    raise NoAnswer("the run has no cosine to the unquantised direction")


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
    return _answer(question.run, cells[0], Figure(value=found))


def _unsteered(question: Question) -> Answer:
    """Refusals without any edit, of the model as the run loaded it."""
    run, place = question.asked, question.place
    for cell in run.report["cells"]:
        if (cell["role"], cell["model"], cell["quantization"]) == ("baseline", place.model, "none"):
            return _answer(run, cell, rate_of(run, cell, "refusal"))
    raise NoAnswer("the run has no unsteered cell of the model")


def _transferred(question: Question) -> Answer:
    return _arm(question, "cell")


def _own(question: Question) -> Answer:
    return _arm(question, "own_cell")


def _arm(question: Question, key: str) -> Answer:
    run, entry = question.asked, _transfer(question)
    cell = next(cell for cell in run.report["cells"] if cell["id"] == entry[key])
    return _answer(run, cell, rate_of(run, cell, "refusal"))


def _efficiency(question: Question) -> Answer:
    run, entry = question.asked, _transfer(question)
    found = entry["efficiency"]
    if found["value"] is None:
        raise NoAnswer("TE is not defined: with its own direction the target never refuses")
    if entry["own"]["rate"] < question.column.least:
        own = f"{entry['own']['k']}/{entry['own']['n']}"
        raise NoAnswer(f"TE divides by the target's own rate, and that is {own}")
    counts = [(entry[arm]["k"], entry[arm]["n"]) for arm in ("transferred", "own")]
    arms = " by ".join(f"{k}/{n}" for k, n in counts)
    if found["degenerate"]:  # every resample gave the same number: that is no interval
        low, high = ratio_interval(*counts[0], *counts[1])
        arms += ", interval from the counts alone"
    else:
        low, high = (float(found[name]) for name in ("low", "high"))
    return Answer(
        figure=Figure(value=found["value"], low=low, high=high),
        run=run,
        cell=entry["cell"],
        layer=entry["layer"],
        multiplier=entry["multiplier"],
        note=arms,
    )


def _cosine_across(question: Question) -> Answer:
    run, entry = question.asked, _transfer(question)
    if entry["cosine"] is None:
        raise NoAnswer("the directions have different widths")
    return Answer(
        figure=Figure(value=entry["cosine"]),
        run=run,
        cell=entry["cell"],
        layer=entry["layer"],
        multiplier=entry["multiplier"],
    )


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
    "transferred": _transferred,
    "own": _own,
    "efficiency": _efficiency,
    "cosine across": _cosine_across,
}


def _answer(run: Run, cell: Entry, figure: Figure) -> Answer:
    return Answer(
        figure=figure, run=run, cell=cell["id"], layer=cell["layer"], multiplier=cell["multiplier"]
    )


def _transfer(question: Question) -> Entry:
    place = question.place
    for entry in question.asked.report["transfers"]:
        if (entry["source"], entry["target"], entry["map"]) == (place.source, place.model, "none"):
            found: Entry = entry
            return found
    raise NoAnswer(f"the run has no transfer from {place.source}")
