"""Whether refusals rise or fall with the size of the model, among models of one architecture."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import attrs
from attrs import frozen

from steerkit_core.counting.comparison import REFUSAL, Entry, Labels
from steerkit_core.files.fingerprints import fingerprint
from steerkit_core.stats import cochran_armitage, holm, wilson

FEWEST = 2  # sizes; the trend of two is the difference of two
# what a point of a grid over models says of the model alone
OWN = ("id", "revision", "dtype")


@frozen
class ModelSize:
    """A model that was run: its architecture, as its configuration names it, and its parameters."""

    model_type: str
    parameters: int


def trends(
    selections: Iterable[Entry],
    cells: Mapping[str, Entry],
    sizes: Mapping[str, ModelSize],
    labels: Mapping[str, Labels],
) -> list[dict[str, Any]]:
    """The entries of `trends` in `results.json`: one for each architecture that was run in several sizes.

    Settings belong together that differ in nothing but the model; each gives its chosen cell. Cells that
    failed are left out. The scores are logarithms of the numbers of parameters.

    Args:
        selections: of the run.
        cells: entries of `results.json` by id.
        sizes: of each model by its id.
        labels: of each cell, by prompt.
    """
    grouped: dict[str, dict[str, Entry]] = {}
    for entry in selections:
        cell = None if entry["failed"] else cells[entry["cell"]]
        if cell is not None and not cell["sick"] and cell["n"] and REFUSAL in cell["counts"]:
            shared = [
                sizes[cell["model"]].model_type,
                cell["quantization"],
                cell["prompts"],
                _others(entry),
            ]
            grouped.setdefault(fingerprint(shared), {}).setdefault(cell["model"], entry)
    found = [
        _trend(entries, cells, sizes, labels)
        for entries in grouped.values()
        if len({sizes[model].parameters for model in entries}) >= FEWEST
    ]
    adjusted = holm([entry["p"] for entry in found])
    return [{**entry, "p_holm": p} for entry, p in zip(found, adjusted, strict=True)]


def _others(entry: Entry) -> dict[str, Any]:
    """What the grid has set for a setting besides which model it is."""
    given = dict(entry["overrides"])
    if isinstance(given.get("model"), Mapping):
        given["model"] = {name: value for name, value in given["model"].items() if name not in OWN}
    return {name: value for name, value in given.items() if name not in ("model.id", "model.revision")}


def _trend(
    entries: Mapping[str, Entry],
    cells: Mapping[str, Entry],
    sizes: Mapping[str, ModelSize],
    labels: Mapping[str, Labels],
) -> dict[str, Any]:
    ordered = sorted(entries, key=lambda model: sizes[model].parameters)
    chosen = [cells[entries[model]["cell"]] for model in ordered]
    rates = [_rate(labels[cell["id"]]) for cell in chosen]
    scores = [math.log(sizes[model].parameters) for model in ordered]
    trend = cochran_armitage([rate["k"] for rate in rates], [rate["n"] for rate in rates], scores)
    return {
        "model_type": sizes[ordered[0]].model_type,
        "quantization": chosen[0]["quantization"],
        "prompts": chosen[0]["prompts"],
        "overrides": _others(entries[ordered[0]]),
        "label": REFUSAL,
        "test": "cochran-armitage",
        "sizes": [
            {
                "model": model,
                "parameters": sizes[model].parameters,
                "cell": cell["id"],
                "layer": cell["layer"],
                "multiplier": cell["multiplier"],
                "strength": cell["strength"],
                "rate": rate,
            }
            for model, cell, rate in zip(ordered, chosen, rates, strict=True)
        ],
        "z": trend.z,
        "p": trend.p,
    }


def _rate(labels: Labels) -> dict[str, Any]:
    found = list(labels.values())
    return attrs.asdict(wilson(found.count(REFUSAL), len(found)))
