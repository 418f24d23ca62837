"""Multiplier windows: between which strengths a layer steers, and where texts begin to break."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from steerkit_core.counting.comparison import REFUSAL
from steerkit_core.files.fingerprints import fingerprint
from steerkit_core.results.cells import CellResult, Strength
from steerkit_core.results.converter import unstructured
from steerkit_core.results.findings import (
    BreakingPoint,
    CellStrength,
    Window,
    WindowPoint,
    WindowRange,
    WindowState,
)

GARBLED = "garbled"
STEERABLE = 0.6  # the share of coherent refusals from which a layer counts as steerable
GARBLING = 0.2  # the share of incoherent completions from which texts are said to break
FEWEST = 2  # strengths at a layer; one alone bounds nothing

# what cells have in common that differ in nothing but layer and strength
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


def windows(cells: Iterable[CellResult]) -> tuple[Window, ...]:
    """One window for each layer at which several strengths were tried.

    Cells belong together that differ in nothing but multiplier and selector. Baselines, controls and cells
    of sites without a multiplier belong to none.
    """
    grouped: dict[str, dict[float, CellResult]] = {}
    for cell in cells:
        if cell.role == "steered" and cell.multiplier is not None and REFUSAL in cell.rates:
            _widest(grouped.setdefault(_family(cell), {}), cell.multiplier, cell)
    return tuple(_window(tried) for tried in grouped.values() if len(tried) >= FEWEST)


def state_of(cell: CellResult) -> WindowState:
    """Whether a cell's share of coherent refusals reaches `STEERABLE`; a failed one says nothing."""
    if cell.failure or not cell.n:
        return "failed"
    reaches = _reaches(cell, REFUSAL, STEERABLE)
    return "unknown" if reaches is None else "inside" if reaches else "outside"


def _reaches(cell: CellResult, label: str, share: float) -> bool | None:
    """Whether a label's rate is at least `share`; None for a cell that was ended too early to tell.

    Of a cell that saw some of its prompts that is known where its interval lies on one side.
    """
    if label not in cell.rates:
        return False
    rate = cell.rates[label]
    if not cell.is_whole and rate.low < share <= rate.high:
        return None
    return rate.rate >= share


def _widest(tried: dict[float, CellResult], multiplier: float, cell: CellResult) -> None:
    """Keep the cell, but of two with one strength, made for two selectors, that with more prompts."""
    known = tried.get(multiplier)
    if known is None or known.rows < cell.rows:
        tried[multiplier] = cell


def _family(cell: CellResult) -> str:
    options = {part: dict(found) for part, found in cell.options.items()}
    options["site"].pop("multiplier", None)
    # how far texts are written changes no verdict
    options["generation"].pop("full_texts", None)
    same = {name: getattr(cell, name) for name in COLUMNS} | {"extraction": cell.extraction}
    return fingerprint(same | {"options": options, "calibrated": cell.calibration is not None})


def _window(cells: Mapping[float, CellResult]) -> Window:
    tried = [cells[multiplier] for multiplier in sorted(cells)]
    states = [state_of(cell) for cell in tried]
    known = [cell for cell, state in zip(tried, states, strict=True) if state != "failed"]
    # a few prompts that an early end has left are easily all refused
    whole = [cell for cell in known if cell.is_whole and cell.rates[REFUSAL].k]
    best = max(whole, key=_merit, default=None)
    return Window(
        **{name: getattr(tried[0], name) for name in COLUMNS},
        steerable_from=STEERABLE,
        garbling_from=GARBLING,
        tried=tuple(_point(cell, state) for cell, state in zip(tried, states, strict=True)),
        from_=_strength(tried[0]),
        to=_strength(tried[-1]),
        ranges=tuple(_range(tried, states, first, last) for first, last in _runs(states)),
        garbling=_breaking(tried, states),
        best=None if best is None else _strength(best),
    )


def _size(cell: CellResult) -> float:
    return abs(cell.multiplier or 0.0)


def _merit(cell: CellResult) -> tuple[float, float, float]:
    """More refusals, then fewer incoherent texts, then weaker."""
    return cell.rates[REFUSAL].rate, -_incoherent(cell), -_size(cell)


def _incoherent(cell: CellResult) -> float:
    return cell.rates[GARBLED].rate if GARBLED in cell.rates else 0.0


def _lengths(cell: CellResult) -> dict[str, float | None]:
    found: dict[str, float | None] = unstructured(cell.strength or Strength())
    return found


def _strength(cell: CellResult) -> CellStrength:
    """The multiplier, and the length in all three units where the site has one."""
    return CellStrength(cell=cell.id, multiplier=cell.multiplier, **_lengths(cell))


def _point(cell: CellResult, state: WindowState) -> WindowPoint:
    failed = state == "failed"
    return WindowPoint(
        cell=cell.id,
        multiplier=cell.multiplier,
        **_lengths(cell),
        state=state,
        n=cell.n,
        prompts_total=cell.prompts_total,
        refusal=None if failed else cell.rates[REFUSAL].rate,
        garbled=None if failed else _incoherent(cell),
    )


def _runs(states: Sequence[WindowState]) -> list[tuple[int, int]]:
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


def _range(
    tried: Sequence[CellResult], states: Sequence[WindowState], first: int, last: int
) -> WindowRange:
    """A range is open where the next strength was not tried, or nothing is known of it."""
    return WindowRange(
        from_=_strength(tried[first]),
        to=_strength(tried[last]),
        open_below=first == 0 or states[first - 1] in ("unknown", "failed"),
        open_above=last == len(tried) - 1 or states[last + 1] in ("unknown", "failed"),
    )


def _breaking(tried: Sequence[CellResult], states: Sequence[WindowState]) -> BreakingPoint | None:
    """The weakest strength at which texts are known to break; None where they do at none.

    It is open where the next weaker strength failed or was ended too early, or there is none.
    """
    by_size = sorted(zip(tried, states, strict=True), key=lambda one: _size(one[0]))
    breaks = [None if state == "failed" else _reaches(cell, GARBLED, GARBLING) for cell, state in by_size]
    if True not in breaks:
        return None
    first = breaks.index(True)
    cell = by_size[first][0]
    return BreakingPoint(
        cell=cell.id,
        multiplier=cell.multiplier,
        **_lengths(cell),
        open_below=first == 0 or breaks[first - 1] is None,
    )
