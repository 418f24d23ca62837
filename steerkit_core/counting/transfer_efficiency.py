"""Transfer efficiency: what directions from elsewhere do, beside those that the model itself has."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from steerkit_core.components import Method
from steerkit_core.counting.comparison import REFUSAL
from steerkit_core.counting.controls import beats
from steerkit_core.extraction.extraction import find_extraction
from steerkit_core.extraction.quantization import cosines
from steerkit_core.files.fingerprints import fingerprint
from steerkit_core.files.json_numbers import finite
from steerkit_core.results.cells import CellResult, Origin
from steerkit_core.results.findings import (
    Comparison,
    Efficiency,
    RandomArm,
    RandomArms,
    SelectionResult,
    TransferResult,
)
from steerkit_core.results.run_directory import RunDirectory
from steerkit_core.stats import Ratio, paired_ratio, wilson
from steerkit_core.values import DirectionSet

# what a transferred cell and the one that it is compared with have in common
SHARED = ("model", "quantization", "dtype", "prompts", "classifier", "selector", "site")
SHARED_OPTIONS = ("site", "classifier", "generation")


def origin_notes(what: str, cells: Sequence[CellResult]) -> list[str]:
    """That cells are steered with directions from elsewhere, and how these came to fit the model `what`."""
    steered = [cell for cell in cells if cell.role != "control"]
    found: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for cell in steered:
        if (origin := cell.origin) is not None:
            key = (origin.map, origin.differs)
            found.setdefault(key, []).append(str(origin.run or origin.model))
    return [
        f"{what}: {len(sources)} of {len(steered)} cells are steered with directions of"
        f" {' and '.join(dict.fromkeys(sources))},"
        f" {'taken as they are' if way == 'none' else f'through a {way} map'}"
        + (f" (not the same: {', '.join(differs)})." if differs else ".")
        for (way, differs), sources in found.items()
    ]


def transfers(
    cells: Mapping[str, CellResult],
    selections: Sequence[SelectionResult],
    comparisons: Sequence[Comparison],
    labels: Mapping[str, Mapping[str, str]],
    store: RunDirectory,
    seed: int,
) -> tuple[TransferResult, ...]:
    """One transfer for each chosen cell with directions from elsewhere.

    It is compared with the chosen cell of the same model, prompts, selector, site, judge and generation
    with directions that the same extractor found in the model itself. Without such a cell there is none.

    Args:
        cells: of the run, by id.
        selections: of the run.
        comparisons: of the run, with `p_holm`: what tells both arms from random directions.
        labels: of each cell, by prompt.
        store: the run, which keeps the directions.
        seed: of the bootstrap.
    """
    chosen = [cells[id_] for id_ in dict.fromkeys(entry.cell for entry in selections if entry.cell)]
    own = {_key(cell, _method(cell)): cell for cell in chosen if cell.origin is None and _usable(cell)}
    found: list[TransferResult] = []
    for cell in chosen:
        if cell.origin is None or not _usable(cell):
            continue
        other = own.get(_key(cell, cell.origin.method))
        if other is not None:
            arms = RandomArms(
                transferred=random_arm(cell, comparisons, cells),
                own=random_arm(other, comparisons, cells),
            )
            found.append(_transfer(cell, cell.origin, other, arms, labels, store, seed))
    return tuple(found)


def random_arm(
    cell: CellResult, comparisons: Sequence[Comparison], cells: Mapping[str, CellResult]
) -> RandomArm | None:
    """The strongest of a cell's random controls, and whether the cell beats them all; None without any."""
    own = [
        entry
        for entry in comparisons
        if entry.cell == cell.id and (cells[entry.reference].control or "").startswith("random")
    ]
    if not own:
        return None
    rates = [cells[entry.reference].rates[REFUSAL] for entry in own]
    return RandomArm(
        directions=len(own),
        strongest=max(rates, key=lambda rate: rate.rate),
        p_holm=max(entry.p_holm for entry in own),
        beaten=all(beats(entry) for entry in own),
    )


def reading(transferred: CellResult, own: CellResult, arms: RandomArms) -> str:
    """What the efficiency may be read as, in words."""
    if arms.transferred is None or arms.own is None:
        return "no control says what a random direction of this length does"
    for cell, one, words in (
        (own, arms.own, "TE says nothing, as the target's own direction"),
        (transferred, arms.transferred, "the transferred direction"),
    ):
        if not one.beaten:
            rate, most = cell.rates[REFUSAL], one.strongest
            return (
                f"{words}, {rate.k}/{rate.n}, cannot be told from a random one of its length"
                f" ({'up to ' if one.directions > 1 else ''}{most.k}/{most.n}, p = {one.p_holm:.2g})"
            )
    return "both directions do more than random ones of their length"


def _usable(cell: CellResult) -> bool:
    return cell.extraction is not None and not cell.failure and REFUSAL in cell.counts


def _method(cell: CellResult) -> Method:
    return Method(use=cell.extractor, options=cell.options["extractor"])


def _key(cell: CellResult, method: Method) -> str:
    options = {part: cell.options[part] for part in SHARED_OPTIONS}
    way = {"use": method.use, "options": dict(method.options)}
    return fingerprint([{name: getattr(cell, name) for name in SHARED}, options, way])


def _transfer(
    cell: CellResult,
    origin: Origin,
    own: CellResult,
    arms: RandomArms,
    labels: Mapping[str, Mapping[str, str]],
    store: RunDirectory,
    seed: int,
) -> TransferResult:
    verdicts = labels[cell.id], labels[own.id]
    shared = [text for text in verdicts[0] if text in verdicts[1]]
    hits = [[float(arm[text] == REFUSAL) for text in shared] for arm in verdicts]
    sets = [find_extraction(store, str(one.extraction)) for one in (cell, own)]
    return TransferResult(
        source=str(origin.model),
        run=origin.run,
        target=cell.model,
        quantization=cell.quantization,
        map=origin.map,
        method=str(origin.method.use),
        differs=origin.differs,
        cell=cell.id,
        own_cell=own.id,
        layer=cell.layer,
        source_layer=_source_layer(sets[0], cell),
        own_layer=own.layer,
        multiplier=cell.multiplier,
        transferred=wilson(int(sum(hits[0])), len(shared)),
        own=wilson(int(sum(hits[1])), len(shared)),
        efficiency=_efficiency(paired_ratio(hits[0], hits[1], seed=seed)),
        cosine=_cosine(sets, cell),
        cosine_by_chance=None if sets[1] is None else by_chance(int(sets[1].units.shape[-1])),
        random=arms,
        reading=reading(cell, own, arms),
    )


def _efficiency(ratio: Ratio) -> Efficiency:
    return Efficiency(value=ratio.value, low=ratio.low, high=ratio.high, degenerate=ratio.degenerate)


def by_chance(width: int) -> float:
    """How far from 0 the cosine of two directions lies, of which one is random, in 19 of 20 cases at most.

    The square of such a cosine has the distribution Beta(1/2, (width - 1) / 2).
    """
    from scipy.stats import beta

    return math.sqrt(float(beta.ppf(0.95, 0.5, (width - 1) / 2)))


def _place(found: DirectionSet, cell: CellResult) -> tuple[int, int] | None:
    """Row and column of a cell's direction."""
    if cell.position is None or cell.layer is None:
        return None
    return found.positions.index(cell.position), found.layers.index(cell.layer)


def _source_layer(found: DirectionSet | None, cell: CellResult) -> int | None:
    table = None if found is None else found.scores.get("source_layer")
    if found is None or table is None or (place := _place(found, cell)) is None:
        return None
    return int(table[place])


def _cosine(sets: Sequence[DirectionSet | None], cell: CellResult) -> float | None:
    """Cosine of the transferred direction to the model's own, both at the layer of the transferred one."""
    one, other = sets
    if one is None or other is None or (one.positions, one.layers) != (other.positions, other.layers):
        return None
    if one.units.shape != other.units.shape or (place := _place(one, cell)) is None:
        return None
    return finite(float(cosines(one, other)[place]))
