"""Which cell a run names as its best, and how much of a chosen cell's rate is selection bias."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from attrs import evolve

from steerkit_core.counting.comparison import REFUSAL
from steerkit_core.results.cells import CellResult
from steerkit_core.results.findings import SelectionBias, SelectionResult
from steerkit_core.stats import optimism

Cells = Mapping[str, CellResult]
# of each prompt of a cell the share of its completions that are refusals, by the cell's id
Shares = Mapping[str, Mapping[str, float]]


def best(cells: Cells, selections: Sequence[SelectionResult]) -> str | None:
    """The cell with the highest refusal rate: on the selection prompts, if all were tried there."""
    usable = _usable(selections)
    tried = all(entry.refusal_rate is not None for entry, _ in usable)

    def rank(found: tuple[SelectionResult, str]) -> tuple[bool, float]:
        entry, id_ = found
        cell = cells[id_]
        own = cell.rates[REFUSAL].rate if REFUSAL in cell.rates else 0.0
        return cell.failure is None, entry.refusal_rate if tried and entry.refusal_rate is not None else own

    return max(usable, key=rank)[1] if usable else None


def _usable(selections: Iterable[SelectionResult]) -> list[tuple[SelectionResult, str]]:
    """The configurations that did not fail, each with its cell's id."""
    return [(entry, entry.cell) for entry in selections if not entry.failed and entry.cell is not None]


def named_on_evaluation(selected: str | None, selections: Sequence[SelectionResult]) -> bool:
    """Whether the best cell was chosen on the evaluation prompts, by its selector or among several."""
    usable = _usable(selections)
    own = any(entry.selected_on_evaluation for entry, id_ in usable if id_ == selected)
    return own or among_settings([entry for entry, _ in usable])


def among_settings(usable: Sequence[SelectionResult]) -> bool:
    """Whether several configurations were compared on the evaluation prompts."""
    return len(usable) > 1 and any(entry.refusal_rate is None or entry.shared_prompts for entry in usable)


def with_bias(entry: SelectionResult, cells: Cells, shares: Shares, seed: int) -> SelectionResult:
    """A selection with its cell's selection bias, if it was chosen on the evaluation prompts."""
    if not entry.selected_on_evaluation or entry.cell is None:
        return entry
    return evolve(entry, optimism=selection_bias(entry.cell, entry.tried, cells, shares, seed))


def bias_of_best(
    selected: str | None, selections: Sequence[SelectionResult], cells: Cells, shares: Shares, seed: int
) -> SelectionBias | None:
    """The same of the best cell, which all cells of all configurations competed with."""
    if selected is None or not named_on_evaluation(selected, selections):
        return None
    tried = [
        name
        for entry, id_ in _usable(selections)
        for name in (entry.tried if id_ in entry.tried else (id_,))
    ]
    if any(cells[name].prompts != cells[selected].prompts for name in tried):
        return None
    return selection_bias(selected, tried, cells, shares, seed)


def selection_bias(
    chosen: str, tried: Iterable[str], cells: Cells, shares: Shares, seed: int
) -> SelectionBias | None:
    """How much of the chosen cell's rate of refusals is due to its having been chosen for it.

    Cells that failed, and those that were given up before all prompts were through, were no competitors.

    Args:
        chosen: id of the chosen cell.
        tried: ids of the cells that it was chosen from.
        cells: of the run, by id.
        shares: of every cell by its id: for each prompt the share of its completions that are refusals.
        seed: the run's.

    Returns:
        None where the choice cannot be repeated: the cell was not tried on these very prompts, or it was
        not chosen for its rate, another having a higher one.
    """
    rows = cells[chosen].rows
    competitors = [
        id_
        for id_ in dict.fromkeys(tried)
        if not cells[id_].failure and REFUSAL in cells[id_].counts and cells[id_].rows == rows
    ]
    if chosen not in competitors:
        return None
    texts = list(dict.fromkeys(text for id_ in competitors for text in shares[id_]))
    found = optimism(
        [[shares[id_].get(text, math.nan) for text in texts] for id_ in competitors], seed=seed
    )
    if found is None or cells[chosen].rates[REFUSAL].rate < found.rate - 1e-9:
        return None
    return SelectionBias(
        label=REFUSAL,
        candidates=found.candidates,
        prompts=found.prompts,
        resamples=found.resamples,
        rate=found.rate,
        corrected=found.corrected,
        optimism=found.optimism,
    )
