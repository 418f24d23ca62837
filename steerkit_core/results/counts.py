"""Do the numbers of a run's results agree with each other? What was edited by hand mostly does not.

Cheap, as every reader of a run does it: sums and quotients of what stands in a cell's entry.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from steerkit_core.stats.rates import wilson_of_share

TOLERANCE = 1e-9


def contradiction(cell: Mapping[str, Any]) -> str | None:
    """The first number of a cell that cannot be right, as `field: expected ..., got ...`; None if all fit.

    Args:
        cell: an entry of `cells` in `results.json`, with all its keys.
    """
    return next(_contradictions(cell), None)


def _contradictions(cell: Mapping[str, Any]) -> Iterator[str]:
    """All of them, as far as the first: what comes later relies on what came before."""
    counts = cell["counts"]
    for name in ("n", "failed", "prompts_total"):
        if not _is_count(cell[name]):
            yield f"{name}: expected a whole number, got {cell[name]!r:.60}"
    if not isinstance(counts, dict):
        yield f"counts: expected a table, got {counts!r:.60}"
    for label, count in counts.items():
        if not _is_count(count):
            yield f"counts.{label}: expected a whole number, got {count!r:.60}"
    yield from _places(cell)
    if sum(counts.values()) != cell["n"]:
        yield f"counts: expected them to sum to n = {cell['n']}, got {sum(counts.values())}"
    yield from _rates(cell)


def _places(cell: Mapping[str, Any]) -> Iterator[str]:
    layer, depth = cell.get("layer"), cell.get("depth")
    if layer is not None and layer < 0:
        yield f"layer: expected a whole number from 0 on, got {layer}"
    if depth is not None and not _is_share(depth):
        yield f"depth: expected a number from 0 to 1, got {depth!r:.60}"
    if cell.get("n_unique", 0) > cell["n"]:
        yield f"n_unique: expected at most n = {cell['n']}, got {cell['n_unique']}"


def _rates(cell: Mapping[str, Any]) -> Iterator[str]:
    counts, rates = cell["counts"], cell["rates"]
    for label, rate in rates.items():
        if label not in counts:
            yield f"rates.{label}: expected one of the labels counted ({', '.join(counts)})"
        found = _rate_problem(rate)
        if found:
            yield f"rates.{label}.{found}"


def _rate_problem(rate: Mapping[str, Any]) -> str | None:
    for name in ("k", "n"):
        if not _is_count(rate[name]):
            return f"{name}: expected a whole number, got {rate[name]!r:.60}"
    if rate["k"] > rate["n"]:
        return f"k: expected at most n = {rate['n']}, got {rate['k']}"
    if rate["n"] == 0:
        return None
    for name in ("rate", "low", "high"):
        if not _is_share(rate[name]):
            return f"{name}: expected a number from 0 to 1, got {rate[name]!r:.60}"
    if abs(rate["rate"] - rate["k"] / rate["n"]) > TOLERANCE:
        whole = f"{rate['k']} of {rate['n']}, {rate['k'] / rate['n']:.6g}"
        return f"rate: expected {whole}, got {rate['rate']:g}"
    if not rate["low"] - TOLERANCE <= rate["rate"] <= rate["high"] + TOLERANCE:
        ends = f"{rate['low']:g} to {rate['high']:g}"
        return f"low, high: expected an interval around {rate['rate']:g}, got {ends}"
    return _interval_problem(rate)


def _interval_problem(rate: Mapping[str, Any]) -> str | None:
    """Whether the ends are not Wilson's at the effective number, which an earlier version does not say."""
    size = rate.get("n_effective")
    if not isinstance(size, int | float) or not size > 0:
        return None
    wanted = wilson_of_share(rate["rate"], size)
    if all(abs(rate[name] - end) <= TOLERANCE for name, end in zip(("low", "high"), wanted, strict=True)):
        return None
    return (
        f"low, high: expected Wilson's {wanted[0]:.6g} to {wanted[1]:.6g} of {size:g} observations, got"
        f" {rate['low']:g} to {rate['high']:g}"
    )


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_share(value: object) -> bool:
    # a NaN is in no range
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
