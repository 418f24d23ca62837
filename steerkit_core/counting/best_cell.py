"""Which cell a run names as its best, and how much of a chosen cell's rate is luck."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs

from steerkit_core.counting.comparison import REFUSAL, Entry
from steerkit_core.stats import optimism

Shares = Mapping[str, float]


def best(cells: Mapping[str, Entry], selections: Sequence[Entry]) -> str | None:
    """The setting with the highest refusal rate: on the selection prompts, if all were tried there."""
    usable = [entry for entry in selections if not entry["failed"]]
    tried = all(entry["refusal_rate"] is not None for entry in usable)

    def rank(entry: Entry) -> tuple[bool, float]:
        cell = cells[entry["cell"]]
        own = cell["rates"]["refusal"]["rate"] if "refusal" in cell["rates"] else 0.0
        return cell["sick"] is None, float(entry["refusal_rate"] if tried else own)

    return max(usable, key=rank)["cell"] if usable else None


def named_on_evaluation(selected: str | None, selections: Sequence[Entry]) -> bool:
    """Whether the best cell was chosen on the evaluation prompts, by its selector or among settings."""
    usable = [entry for entry in selections if not entry["failed"]]
    own = any(entry["selected_on_evaluation"] for entry in usable if entry["cell"] == selected)
    return own or among_settings(usable)


def among_settings(usable: Sequence[Entry]) -> bool:
    """Whether several settings were held against each other on the evaluation prompts."""
    return len(usable) > 1 and any(
        entry["refusal_rate"] is None or entry["shared_prompts"] for entry in usable
    )


def with_luck(
    entry: Entry, cells: Mapping[str, Entry], shares: Mapping[str, Shares], seed: int
) -> dict[str, Any]:
    """A selection, and how much of its cell's rate is luck if it was chosen on the evaluation prompts."""
    lucky = entry["selected_on_evaluation"]
    return {
        **entry,
        "optimism": luck(entry["cell"], entry["tried"], cells, shares, seed) if lucky else None,
    }


def luck_of_best(
    selected: str | None,
    selections: Sequence[Entry],
    cells: Mapping[str, Entry],
    shares: Mapping[str, Shares],
    seed: int,
) -> dict[str, Any] | None:
    """The same of the best setting's cell, which all cells of all settings competed with."""
    if selected is None or not named_on_evaluation(selected, selections):
        return None
    usable = [entry for entry in selections if not entry["failed"]]
    tried = [
        id_
        for entry in usable
        for id_ in (entry["tried"] if entry["cell"] in entry["tried"] else [entry["cell"]])
    ]
    if any(cells[id_]["prompts"] != cells[selected]["prompts"] for id_ in tried):
        return None
    return luck(selected, tried, cells, shares, seed)


def luck(
    chosen: str, tried: Iterable[str], cells: Mapping[str, Entry], shares: Mapping[str, Shares], seed: int
) -> dict[str, Any] | None:
    """How much of the chosen cell's rate of refusals is due to its having been chosen for it.

    Cells that failed, and those that were given up before all prompts were through, were no competitors.

    Args:
        chosen: id of the chosen cell.
        tried: ids of the cells that it was chosen from.
        cells: entries of `results.json` by id.
        shares: of every cell by its id: for each prompt the share of its completions that are refusals.
        seed: the run's.

    Returns:
        None where the choice cannot be repeated: the cell was not tried on these very prompts, or it was
        not chosen for its rate, another having a higher one.
    """
    rows = _rows(cells[chosen])
    competitors = [
        id_
        for id_ in dict.fromkeys(tried)
        if not cells[id_]["sick"] and REFUSAL in cells[id_]["counts"] and _rows(cells[id_]) == rows
    ]
    if chosen not in competitors:
        return None
    texts = list(dict.fromkeys(text for id_ in competitors for text in shares[id_]))
    found = optimism([[_seen(shares[id_].get(text)) for text in texts] for id_ in competitors], seed=seed)
    if found is None or cells[chosen]["rates"][REFUSAL]["rate"] < found.rate - 1e-9:
        return None
    return {"label": REFUSAL, **attrs.asdict(found), "optimism": found.optimism}


def _rows(cell: Entry) -> int:
    return int(cell["n"] + cell["failed"])


def _seen(share: float | None) -> float:
    return math.nan if share is None else share
