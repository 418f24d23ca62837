"""Transfer efficiency: what directions from elsewhere do, beside those that the model itself has."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from steerkit_core.counting.controls import beats
from steerkit_core.extraction.extraction import find_extraction
from steerkit_core.extraction.quantization import cosines
from steerkit_core.files.fingerprints import fingerprint
from steerkit_core.files.json_numbers import finite
from steerkit_core.results.run_directory import RunDirectory
from steerkit_core.stats import paired_ratio, wilson
from steerkit_core.values import DirectionSet

if TYPE_CHECKING:
    from steerkit_core.stats import Ratio

Entry = Mapping[str, Any]
REFUSAL = "refusal"
# what a transferred cell and the one that it is held against have in common
SHARED = ("model", "quantization", "dtype", "prompts", "classifier", "selector", "site")
SHARED_OPTIONS = ("site", "classifier", "generation")


def origin_notes(what: str, entries: Sequence[Entry]) -> list[str]:
    """That cells are steered with directions from elsewhere, and how these came to fit the model `what`."""
    steered = [entry for entry in entries if entry["role"] != "control"]
    found: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for entry in steered:
        origin = entry["origin"]
        if origin is not None:
            key = (origin["map"], tuple(origin["differs"]))
            found.setdefault(key, []).append(origin["run"] or origin["model"])
    return [
        f"{what}: {len(sources)} of {len(steered)} cells are steered with directions of"
        f" {' and '.join(dict.fromkeys(sources))},"
        f" {'taken as they are' if way == 'none' else f'through a {way} map'}"
        + (f" (not the same: {', '.join(differs)})." if differs else ".")
        for (way, differs), sources in found.items()
    ]


def transfer_entries(
    cells: Mapping[str, Entry],
    selections: Sequence[Entry],
    comparisons: Sequence[Entry],
    labels: Mapping[str, Mapping[str, str]],
    store: RunDirectory,
    seed: int,
) -> list[dict[str, Any]]:
    """The entries `transfers` of `results.json`: one for each chosen cell with directions from elsewhere.

    It is held against the chosen cell of the same model, prompts, selector, site, judge and generation with
    directions that the same extractor found in the model itself. Without such a cell there is no entry.

    Args:
        cells: of the run, by id.
        selections: of the run.
        comparisons: of the run, with `p_holm`: what tells both arms from random directions.
        labels: of each cell, by prompt.
        store: the run, which keeps the directions.
        seed: of the bootstrap.
    """
    chosen = [cells[id_] for id_ in dict.fromkeys(entry["cell"] for entry in selections if entry["cell"])]
    own = {_key(cell, _method(cell)): cell for cell in chosen if cell["origin"] is None and _usable(cell)}
    found: list[dict[str, Any]] = []
    for cell in chosen:
        if cell["origin"] is None or not _usable(cell):
            continue
        other = own.get(_key(cell, cell["origin"]["method"]))
        if other is not None:
            found.append(
                _entry(cell, other, labels, store, seed)
                | random_arms({"transferred": cell, "own": other}, comparisons, cells)
            )
    return found


def random_arms(
    arms: Mapping[str, Entry], comparisons: Sequence[Entry], cells: Mapping[str, Entry]
) -> dict[str, Any]:
    """What random directions of the same length do where both arms steer: the keys `random` and `reading`.

    Args:
        arms: the cells `transferred` and `own`.
        comparisons: of the run, with `p_holm`.
        cells: of the run, by id.
    """
    found = {name: _random_arm(cell, comparisons, cells) for name, cell in arms.items()}
    return {"random": found, "reading": _reading(arms, found)}


def _random_arm(
    cell: Entry, comparisons: Sequence[Entry], cells: Mapping[str, Entry]
) -> dict[str, Any] | None:
    """The strongest of a cell's random controls, and whether the cell beats them all; None without any."""
    own = [
        entry
        for entry in comparisons
        if entry["cell"] == cell["id"] and (cells[entry["reference"]]["control"] or "").startswith("random")
    ]
    if not own:
        return None
    rates = [cells[entry["reference"]]["rates"][REFUSAL] for entry in own]
    return {
        "directions": len(own),
        "strongest": max(rates, key=lambda rate: rate["rate"]),
        "p_holm": max(entry["p_holm"] for entry in own),
        "beaten": all(beats(entry) for entry in own),
    }


def _reading(arms: Mapping[str, Entry], found: Mapping[str, Entry | None]) -> str:
    """What the efficiency may be read as, in words."""
    if any(one is None for one in found.values()):
        return "no control says what a random direction of this length does"
    for name, words in (
        ("own", "TE says nothing, as the target's own direction"),
        ("transferred", "the transferred direction"),
    ):
        one, rate = found[name], arms[name]["rates"][REFUSAL]
        if one is not None and not one["beaten"]:
            most = one["strongest"]
            return (
                f"{words}, {rate['k']}/{rate['n']}, cannot be told from a random one of its length"
                f" ({'up to ' if one['directions'] > 1 else ''}{most['k']}/{most['n']}, p ="
                f" {one['p_holm']:.2g})"
            )
    return "both directions do more than random ones of their length"


def _usable(cell: Entry) -> bool:
    return cell["extraction"] is not None and not cell["sick"] and REFUSAL in cell["counts"]


def _method(cell: Entry) -> Mapping[str, Any]:
    return {"use": cell["extractor"], "options": cell["options"]["extractor"]}


def _key(cell: Entry, method: Mapping[str, Any]) -> str:
    options = {part: cell["options"][part] for part in SHARED_OPTIONS}
    way = {"use": method["use"], "options": dict(method["options"])}
    return fingerprint([{name: cell[name] for name in SHARED}, options, way])


def _entry(
    cell: Entry,
    own: Entry,
    labels: Mapping[str, Mapping[str, str]],
    store: RunDirectory,
    seed: int,
) -> dict[str, Any]:
    origin = cell["origin"]
    arms = labels[cell["id"]], labels[own["id"]]
    shared = [text for text in arms[0] if text in arms[1]]
    hits = [[float(arm[text] == REFUSAL) for text in shared] for arm in arms]
    ratio = paired_ratio(hits[0], hits[1], seed=seed)
    sets = [find_extraction(store, one["extraction"]) for one in (cell, own)]
    return {
        "source": origin["model"],
        "run": origin["run"],
        "target": cell["model"],
        "quantization": cell["quantization"],
        "map": origin["map"],
        "method": origin["method"]["use"],
        "differs": list(origin["differs"]),
        "cell": cell["id"],
        "own_cell": own["id"],
        "layer": cell["layer"],
        "source_layer": _source_layer(sets[0], cell),
        "own_layer": own["layer"],
        "multiplier": cell["multiplier"],
        "transferred": attrs.asdict(wilson(int(sum(hits[0])), len(shared))),
        "own": attrs.asdict(wilson(int(sum(hits[1])), len(shared))),
        "efficiency": as_json(ratio),
        "cosine": _cosine(sets, cell),
        "cosine_by_chance": None if sets[1] is None else by_chance(int(sets[1].units.shape[-1])),
    }


def by_chance(width: int) -> float:
    """How far from 0 the cosine of two directions lies, of which one is random, in 19 of 20 cases at most.

    The square of such a cosine has the distribution Beta(1/2, (width - 1) / 2).
    """
    from scipy.stats import beta

    return math.sqrt(float(beta.ppf(0.95, 0.5, (width - 1) / 2)))


def as_json(ratio: Ratio) -> dict[str, Any]:
    """A ratio as JSON can hold it: the word `inf` for an end that is infinite, null for none."""
    ends = {
        name: "inf" if value is not None and math.isinf(value) else value
        for name, value in (("low", ratio.low), ("high", ratio.high))
    }
    return {"value": ratio.value, **ends, "degenerate": ratio.degenerate}


def _source_layer(found: DirectionSet | None, cell: Entry) -> int | None:
    table = None if found is None else found.scores.get("source_layer")
    if found is None or table is None:
        return None
    return int(table[found.positions.index(cell["position"]), found.layers.index(cell["layer"])])


def _cosine(sets: Sequence[DirectionSet | None], cell: Entry) -> float | None:
    """Cosine of the transferred direction to the model's own, both at the layer of the transferred one."""
    one, other = sets
    if one is None or other is None or (one.positions, one.layers) != (other.positions, other.layers):
        return None
    if one.units.shape != other.units.shape:
        return None
    row, column = one.positions.index(cell["position"]), one.layers.index(cell["layer"])
    return finite(float(cosines(one, other)[row, column]))
