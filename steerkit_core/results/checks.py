"""Do the numbers of a run's results agree with each other? What was edited by hand mostly does not.

Cheap, as every reader of a run does it: sums and quotients of what stands in a cell's entry.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from steerkit_core.errors import nearest
from steerkit_core.results.cells import CellRate, CellResult
from steerkit_core.results.results import RunResults
from steerkit_core.stats.rates import wilson_of_share

TOLERANCE = 1e-9


def contradiction(results: RunResults) -> str | None:
    """What in the results cannot be right, as `place: expected ..., got ...`; None if all fits."""
    return next(_contradictions(results), None)


def _contradictions(results: RunResults) -> Iterator[str]:
    for number, cell in enumerate(results.cells):
        yield from (f"cells[{number}].{found}" for found in _of_cell(cell))
    yield from _references(results)
    yield from _lengths(results)


def _of_cell(cell: CellResult) -> Iterator[str]:
    """All of them, as far as the first: what comes later relies on what came before."""
    for name in ("n", "failed", "prompts_total"):
        if getattr(cell, name) < 0:
            yield f"{name}: expected a whole number from 0 on, got {getattr(cell, name)}"
    for label, count in cell.counts.items():
        if count < 0:
            yield f"counts.{label}: expected a whole number from 0 on, got {count}"
    yield from _of_place(cell)
    if sum(cell.counts.values()) != cell.n:
        yield f"counts: expected them to sum to n = {cell.n}, got {sum(cell.counts.values())}"
    for label, rate in cell.rates.items():
        if label not in cell.counts:
            yield f"rates.{label}: expected one of the labels counted ({', '.join(cell.counts)})"
        if (found := _of_rate(rate)) is not None:
            yield f"rates.{label}.{found}"


def _of_place(cell: CellResult) -> Iterator[str]:
    if cell.layer is not None and cell.layer < 0:
        yield f"layer: expected a whole number from 0 on, got {cell.layer}"
    if cell.depth is not None and not 0 <= cell.depth <= 1:
        yield f"depth: expected a number from 0 to 1, got {cell.depth!r:.60}"
    if cell.n_unique > cell.n:
        yield f"n_unique: expected at most n = {cell.n}, got {cell.n_unique}"


def _of_rate(rate: CellRate) -> str | None:
    if rate.k < 0 or rate.n < 0:
        return f"k: expected whole numbers from 0 on, got {rate.k} of {rate.n}"
    if rate.k > rate.n:
        return f"k: expected at most n = {rate.n}, got {rate.k}"
    if rate.n == 0:
        return None
    for name in ("rate", "low", "high"):
        # a NaN is in no range
        if not 0 <= getattr(rate, name) <= 1:
            return f"{name}: expected a number from 0 to 1, got {getattr(rate, name)!r:.60}"
    if abs(rate.rate - rate.k / rate.n) > TOLERANCE:
        return f"rate: expected {rate.k} of {rate.n}, {rate.k / rate.n:.6g}, got {rate.rate:g}"
    if not rate.low - TOLERANCE <= rate.rate <= rate.high + TOLERANCE:
        return f"low, high: expected an interval around {rate.rate:g}, got {rate.low:g} to {rate.high:g}"
    return _of_interval(rate)


def _of_interval(rate: CellRate) -> str | None:
    """Whether the ends are not Wilson's at the effective number, which an earlier version does not say."""
    size = rate.n_effective
    if size is None or not size > 0:
        return None
    wanted = wilson_of_share(rate.rate, size)
    if all(abs(own - end) <= TOLERANCE for own, end in zip((rate.low, rate.high), wanted, strict=True)):
        return None
    return (
        f"low, high: expected Wilson's {wanted[0]:.6g} to {wanted[1]:.6g} of {size:g} observations, got"
        f" {rate.low:g} to {rate.high:g}"
    )


def _references(results: RunResults) -> Iterator[str]:
    """Cells that stand there twice, and ids that no cell has."""
    ids = [cell.id for cell in results.cells]
    known = set(ids)
    if len(known) < len(ids):
        twice = next(name for name in ids if ids.count(name) > 1)
        yield f"cell {twice!r} stands there twice"
    named: list[tuple[str, str | None]] = [("selected", results.selected)]
    for number, selection in enumerate(results.selections):
        named.append((f"selections[{number}].cell", selection.cell))
        named += [(f"selections[{number}].tried", tried) for tried in selection.tried]
    for number, comparison in enumerate(results.comparisons):
        named.append((f"comparisons[{number}].cell", comparison.cell))
        named.append((f"comparisons[{number}].reference", comparison.reference))
    named += [(f"controls[{number}].cell", control.cell) for number, control in enumerate(results.controls)]
    for where, name in named:
        if name is not None and name not in known:
            yield f"{where}: expected one of the cells, got {name!r}{nearest(name, ids)}"


def _lengths(results: RunResults) -> Iterator[str]:
    """Columns by layer that are empty, or longer than another; earlier versions have fewer of them."""
    for number, stream in enumerate(results.health):
        own = {
            "norm_mean": stream.norm_mean,
            "norm_max": stream.norm_max,
            "overflow": stream.overflow,
            "nonfinite": stream.nonfinite,
        }
        yield from _uneven(f"health[{number}]", "norm_mean", own)
    for number, shift in enumerate(results.quantization):
        own = {
            "layers": shift.layers,
            "cosines": shift.cosines,
            "raw_norms": shift.raw_norms,
            "reference_raw_norms": shift.reference_raw_norms,
        }
        yield from _uneven(f"quantization[{number}]", "layers", own)


def _uneven(where: str, first: str, columns: Mapping[str, Sequence[object]]) -> Iterator[str]:
    sizes = {name: len(column) for name, column in columns.items() if column or name == first}
    if len(set(sizes.values())) > 1 or 0 in sizes.values():
        found = ", ".join(f"{size} in {name}" for name, size in sizes.items())
        yield f"{where}: expected a value for each layer, got {found}"
