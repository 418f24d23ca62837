"""Whether refusals rise or fall with the size of the model, among models of one architecture."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from attrs import evolve, frozen

from steerkit_core.counting.comparison import REFUSAL, Labels
from steerkit_core.files.fingerprints import fingerprint
from steerkit_core.results.cells import CellResult
from steerkit_core.results.findings import SelectionResult, Trend, TrendSize
from steerkit_core.stats import Rate, cochran_armitage, holm, wilson

FEWEST = 2  # sizes; the trend of two is the difference of two
# what a point of a grid over models says of the model alone
OWN = ("id", "revision", "dtype")


@frozen
class ModelSize:
    """A model that was run: its architecture, as its configuration names it, and its parameters."""

    model_type: str
    parameters: int


def trends(
    selections: Iterable[SelectionResult],
    cells: Mapping[str, CellResult],
    sizes: Mapping[str, ModelSize],
    labels: Mapping[str, Labels],
) -> tuple[Trend, ...]:
    """One trend for each architecture that was run in several sizes.

    Configurations belong together that differ in nothing but the model; each gives its chosen cell. Cells
    that failed are left out. The scores are logarithms of the numbers of parameters.

    Args:
        selections: of the run.
        cells: of the run, by id.
        sizes: of each model by its id.
        labels: of each cell, by prompt.
    """
    grouped: dict[str, dict[str, SelectionResult]] = {}
    for entry in selections:
        cell = None if entry.failed or entry.cell is None else cells[entry.cell]
        if cell is not None and not cell.failure and cell.n and REFUSAL in cell.counts:
            shared = [sizes[cell.model].model_type, cell.quantization, cell.prompts, _others(entry)]
            grouped.setdefault(fingerprint(shared), {}).setdefault(cell.model, entry)
    found = [
        _trend(entries, cells, sizes, labels)
        for entries in grouped.values()
        if len({sizes[model].parameters for model in entries}) >= FEWEST
    ]
    adjusted = holm([entry.p for entry in found])
    return tuple(evolve(entry, p_holm=p) for entry, p in zip(found, adjusted, strict=True))


def _others(entry: SelectionResult) -> dict[str, object]:
    """What the grid has set for a configuration besides which model it is."""
    given = dict(entry.overrides)
    model = given.get("model")
    if isinstance(model, Mapping):
        given["model"] = {name: value for name, value in model.items() if name not in OWN}
    return {name: value for name, value in given.items() if name not in ("model.id", "model.revision")}


def _trend(
    entries: Mapping[str, SelectionResult],
    cells: Mapping[str, CellResult],
    sizes: Mapping[str, ModelSize],
    labels: Mapping[str, Labels],
) -> Trend:
    ordered = sorted(entries, key=lambda model: sizes[model].parameters)
    chosen = [cells[str(entries[model].cell)] for model in ordered]
    rates = [_rate(labels[cell.id]) for cell in chosen]
    scores = [math.log(sizes[model].parameters) for model in ordered]
    trend = cochran_armitage([rate.k for rate in rates], [rate.n for rate in rates], scores)
    return Trend(
        model_type=sizes[ordered[0]].model_type,
        quantization=chosen[0].quantization,
        prompts=chosen[0].prompts,
        overrides=_others(entries[ordered[0]]),
        label=REFUSAL,
        test="cochran-armitage",
        sizes=tuple(
            TrendSize(
                model=model,
                parameters=sizes[model].parameters,
                cell=cell.id,
                layer=cell.layer,
                multiplier=cell.multiplier,
                strength=cell.strength,
                rate=rate,
            )
            for model, cell, rate in zip(ordered, chosen, rates, strict=True)
        ),
        z=trend.z,
        p=trend.p,
    )


def _rate(labels: Labels) -> Rate:
    found = list(labels.values())
    return wilson(found.count(REFUSAL), len(found))
