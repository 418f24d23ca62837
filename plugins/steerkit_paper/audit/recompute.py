"""From a statistic's record to its value: what each `measure` of the data file means.

Percentages are in percent here, as they are printed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from attrs import frozen

from steerkit_core import SteerkitError, cohens_h, fisher
from steerkit_paper import measures
from steerkit_paper.records import Cell, Paper


@frozen
class Arms:
    """The cells that a statistic is about, and how their `n` is counted.

    With `by_prompt` the repeats of a prompt are one observation: 30 of 50 runs of ten prompts are 6 of 10.
    """

    paper: Paper
    cells: tuple[Cell, ...]
    parameters: Mapping[str, float]
    by_prompt: bool = False

    def counts(self) -> list[tuple[int, int]]:
        """`(k, n)` of every cell.

        Raises:
            SteerkitError: a cell has no counts, or its repeats of a prompt did not all end alike.
        """
        return [self._count(cell) for cell in self.cells]

    def rates(self) -> list[float]:
        """The share of each cell, from its counts where it has them."""
        return [self._rate(cell) for cell in self.cells]

    def values(self) -> list[float]:
        """The printed number of each cell."""
        return [_number(cell) for cell in self.cells]

    def n(self) -> int:
        """The `n` of a statistic about no cell."""
        n = int(self.parameters["n"])
        return self.paper.unique(n) if self.by_prompt else n

    def _rate(self, cell: Cell) -> float:
        if cell.n is None:
            return _number(cell) / 100
        k, n = self._count(cell)
        return k / n

    def _count(self, cell: Cell) -> tuple[int, int]:
        if cell.k is None or cell.n is None:
            raise SteerkitError(f"cell {cell.id!r} has no counts")
        return self.paper.by_prompt(cell.k, cell.n) if self.by_prompt else (cell.k, cell.n)


def _number(cell: Cell) -> float:
    if cell.value is None:
        raise SteerkitError(f"cell {cell.id!r} has no number")
    return cell.value


def _interval(arms: Arms) -> tuple[float, ...]:
    (count,) = arms.counts()
    return _percent(measures.wilson_interval(*count))


def _test(arms: Arms) -> tuple[float, ...]:
    first, second = arms.counts()
    return (fisher(*first, *second),)


def _effect(arms: Arms) -> tuple[float, ...]:
    first, second = arms.rates()
    return (abs(cohens_h(first, second)),)


def _difference(arms: Arms) -> tuple[float, ...]:
    first, second = arms.rates()
    return (100 * (first - second),)


def _ratio(arms: Arms) -> tuple[float, ...]:
    first, second = arms.rates()
    return (first / second,)


def _overlap(arms: Arms) -> tuple[float, ...]:
    """How many points two Wilson intervals have in common; less than 0 where they are apart."""
    first, second = (measures.wilson_interval(*count) for count in arms.counts())
    return (100 * (min(first[1], second[1]) - max(first[0], second[0])),)


def _reach(arms: Arms) -> tuple[float, ...]:
    """How far a Wilson interval reaches from its rate, on its longer side."""
    n = arms.n()
    k = round(arms.parameters["rate"] * n)
    low, high = measures.wilson_interval(k, n)
    return (100 * max(k / n - low, high - k / n),)


def _angle(arms: Arms) -> tuple[float, ...]:
    return tuple(measures.angle(value) for value in arms.values())


def _chance(arms: Arms) -> tuple[float, ...]:
    (cosine,) = arms.values()
    return (measures.chance_cosine(cosine, int(arms.parameters["width"])),)


def _value(arms: Arms) -> tuple[float, ...]:
    return tuple(arms.values())


def _least(arms: Arms) -> tuple[float, ...]:
    return (min(arms.values()),)


def _between(arms: Arms) -> tuple[float, ...]:
    low, high = arms.parameters["low"], arms.parameters["high"]
    return (float(sum(low < value < high for value in arms.values())),)


def _prompts(arms: Arms) -> tuple[float, ...]:
    return (float(arms.paper.unique(arms.n())),)


def _percent(interval: Sequence[float]) -> tuple[float, ...]:
    return tuple(100 * end for end in interval)


MEASURES: dict[str, Callable[[Arms], tuple[float, ...]]] = {
    "interval": _interval,
    "test": _test,
    "effect": _effect,
    "difference": _difference,
    "ratio": _ratio,
    "overlap": _overlap,
    "reach": _reach,
    "angle": _angle,
    "chance": _chance,
    "value": _value,
    "least": _least,
    "between": _between,
    "prompts": _prompts,
}

# measures whose value depends on how many observations there are, and not on the rates alone
COUNTING = frozenset({"interval", "test", "overlap", "reach"})


def variants(measure: str) -> dict[str, Callable[[Arms], tuple[float, ...]]]:
    """Every way that a measure may have been computed, by name; the first is ours."""
    if measure == "interval":
        return {name: _as_interval(method) for name, method in measures.INTERVALS.items()}
    if measure == "test":
        return {name: _as_test(method) for name, method in measures.TESTS.items()}
    return {"": MEASURES[measure]}


def _as_interval(method: measures.Interval) -> Callable[[Arms], tuple[float, ...]]:
    return lambda arms: _percent(method(*arms.counts()[0]))


def _as_test(method: measures.TwoRates) -> Callable[[Arms], tuple[float, ...]]:
    def compute(arms: Arms) -> tuple[float, ...]:
        first, second = arms.counts()
        return (method(*first, *second),)

    return compute
