"""Do the numbers of a run's results agree with each other? What was edited by hand mostly does not.

Cheap, as every reader of a run does it: sums and quotients of what stands in a cell's entry.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

TOLERANCE = 1e-9


def contradiction(cell: Mapping[str, Any]) -> str | None:
    """The first number of a cell that cannot be right, as `field: expected ..., got ...`; None if all fit.

    Args:
        cell: an entry of `cells` in `results.json`, with all its keys.
    """
    return next(_contradictions(cell), None)


def _contradictions(cell: Mapping[str, Any]) -> Iterator[str]:
    for name in ("n", "failed", "prompts_total"):
        if not _is_count(cell[name]):
            yield f"{name}: expected a whole number, got {cell[name]!r:.60}"
            return
    counts = cell["counts"]
    if not isinstance(counts, dict):
        yield f"counts: expected a table, got {counts!r:.60}"
        return
    for label, count in counts.items():
        if not _is_count(count):
            yield f"counts.{label}: expected a whole number, got {count!r:.60}"
            return
    if sum(counts.values()) != cell["n"]:
        yield f"counts: expected them to sum to n = {cell['n']}, got {sum(counts.values())}"
    for label, rate in cell["rates"].items():
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
    return None


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_share(value: object) -> bool:
    # a NaN is in no range
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
