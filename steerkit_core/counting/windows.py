"""Multiplier windows: between which strengths a layer steers, and where texts begin to break."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from steerkit_core.counting.comparison import REFUSAL, Entry
from steerkit_core.files.fingerprints import fingerprint

GARBLED = "garbled"
STEERABLE = 0.6  # the share of coherent refusals from which the paper calls a model steerable
GARBLING = 0.2  # the share of garbled completions from which texts are said to break
FEWEST = 2  # strengths at a layer; one alone bounds nothing

State = Literal["inside", "outside", "unknown", "failed"]

# what cells have in common that differ in nothing but place and strength
ALIKE = (
    "model",
    "quantization",
    "dtype",
    "extractor",
    "source",
    "site",
    "unit",
    "position",
    "classifier",
    "prompts",
)
COLUMNS = (*ALIKE, "layer", "depth")


def windows(cells: Iterable[Entry]) -> list[dict[str, Any]]:
    """The entries of `windows` in `results.json`: one for each layer at which several strengths were tried.

    Cells belong together that differ in nothing but multiplier and selector. Baselines, controls and cells
    of sites without a multiplier belong to none.

    Args:
        cells: entries of `cells` in `results.json`.
    """
    grouped: dict[str, dict[float, Entry]] = {}
    for cell in cells:
        if cell["role"] == "steered" and cell["multiplier"] is not None and REFUSAL in cell["rates"]:
            _widest(grouped.setdefault(_family(cell), {}), cell)
    return [_window(tried) for tried in grouped.values() if len(tried) >= FEWEST]


def state_of(cell: Entry) -> State:
    """Whether a cell's share of coherent refusals reaches `STEERABLE`; a failed one says nothing."""
    if cell["sick"] or not cell["n"]:
        return "failed"
    reaches = _reaches(cell, REFUSAL, STEERABLE)
    return "unknown" if reaches is None else "inside" if reaches else "outside"


def _reaches(cell: Entry, label: str, share: float) -> bool | None:
    """Whether a label's rate is at least `share`; None for a cell that was ended too early to tell.

    Of a cell that saw some of its prompts that is known where its interval lies on one side.
    """
    if label not in cell["rates"]:
        return False
    rate = cell["rates"][label]
    if not _whole(cell) and rate["low"] < share <= rate["high"]:
        return None
    return bool(rate["rate"] >= share)


def _whole(cell: Entry) -> bool:
    return bool(cell["n"] + cell["failed"] == cell["prompts_total"])


def _widest(tried: dict[float, Entry], cell: Entry) -> None:
    """Keep the cell, but of two with one strength, made for two selectors, that with more prompts."""
    known = tried.get(cell["multiplier"])
    if known is None or known["n"] + known["failed"] < cell["n"] + cell["failed"]:
        tried[cell["multiplier"]] = cell


def _family(cell: Entry) -> str:
    options = {part: dict(found) for part, found in cell["options"].items()}
    options["site"].pop("multiplier", None)
    # how far texts are written changes no verdict
    options["generation"].pop("full_texts", None)
    same = {name: cell[name] for name in COLUMNS} | {"extraction": cell["extraction"]}
    return fingerprint(same | {"options": options, "calibrated": cell["calibration"] is not None})


def _window(cells: Mapping[float, Entry]) -> dict[str, Any]:
    tried = [cells[multiplier] for multiplier in sorted(cells)]
    states = [state_of(cell) for cell in tried]
    known = [cell for cell, state in zip(tried, states, strict=True) if state != "failed"]
    # a few prompts that an early end has left are easily all refused
    whole = [cell for cell in known if _whole(cell) and cell["rates"][REFUSAL]["k"]]
    best = max(whole, key=_merit, default=None)
    return {
        **{name: tried[0][name] for name in COLUMNS},
        "steerable_from": STEERABLE,
        "garbling_from": GARBLING,
        "tried": [_tried(cell, state) for cell, state in zip(tried, states, strict=True)],
        "from": _dose(tried[0]),
        "to": _dose(tried[-1]),
        "ranges": [_range(tried, states, first, last) for first, last in _runs(states)],
        "garbling": _garbling(tried, states),
        "best": None if best is None else _dose(best),
    }


def _merit(cell: Entry) -> tuple[float, float, float]:
    """More refusals, then fewer garbled, then weaker."""
    return cell["rates"][REFUSAL]["rate"], -_garbled(cell), -abs(cell["multiplier"])


def _garbled(cell: Entry) -> float:
    return float(cell["rates"][GARBLED]["rate"]) if GARBLED in cell["rates"] else 0.0


def _dose(cell: Entry) -> dict[str, Any]:
    """A strength: the multiplier, and the length in all three units where the site has one."""
    none = dict.fromkeys(("absolute", "residual", "raw"))
    return {"cell": cell["id"], "multiplier": cell["multiplier"], **(cell["strength"] or none)}


def _tried(cell: Entry, state: State) -> dict[str, Any]:
    failed = state == "failed"
    return {
        **_dose(cell),
        "state": state,
        "n": cell["n"],
        "prompts_total": cell["prompts_total"],
        "refusal": None if failed else cell["rates"][REFUSAL]["rate"],
        "garbled": None if failed else _garbled(cell),
    }


def _runs(states: Sequence[State]) -> list[tuple[int, int]]:
    """First and last index of each run of strengths inside, with nothing between them that is not."""
    found: list[tuple[int, int]] = []
    for index, state in enumerate(states):
        if state != "inside":
            continue
        if found and found[-1][1] == index - 1:
            found[-1] = found[-1][0], index
        else:
            found.append((index, index))
    return found


def _range(tried: Sequence[Entry], states: Sequence[State], first: int, last: int) -> dict[str, Any]:
    """A range is open where the next strength was not tried, or nothing is known of it."""
    return {
        "from": _dose(tried[first]),
        "to": _dose(tried[last]),
        "open_below": first == 0 or states[first - 1] in ("unknown", "failed"),
        "open_above": last == len(tried) - 1 or states[last + 1] in ("unknown", "failed"),
    }


def _garbling(tried: Sequence[Entry], states: Sequence[State]) -> dict[str, Any] | None:
    """The weakest strength at which texts are known to break; None where they do at none.

    It is open where the next weaker strength failed or was ended too early, or there is none.
    """
    by_size = sorted(zip(tried, states, strict=True), key=lambda one: abs(one[0]["multiplier"]))
    breaks = [None if state == "failed" else _reaches(cell, GARBLED, GARBLING) for cell, state in by_size]
    if True not in breaks:
        return None
    first = breaks.index(True)
    return {**_dose(by_size[first][0]), "open_below": first == 0 or breaks[first - 1] is None}
