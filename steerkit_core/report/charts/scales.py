"""From values to places on a chart, and the values that stand at its axes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from attrs import frozen


@frozen
class Scale:
    """A straight or logarithmic map of [low, high] to [start, end]."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """The place of a value; one that is outside is drawn at the border."""
        low, high, at = (self._in(number) for number in (self.low, self.high, value))
        share = 0.5 if high == low else (at - low) / (high - low)
        return self.start + (self.end - self.start) * min(max(share, 0.0), 1.0)

    def _in(self, value: float) -> float:
        return math.log(max(value, 1e-300)) if self.log else value


def steps(low: float, high: float, about: int = 5) -> list[float]:
    """Round values (1, 2 or 5 times a power of ten apart) that cover [low, high]."""
    if not high > low:
        return [low]
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    width = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    first = math.floor(low / width + 1e-9)
    last = math.ceil(high / width - 1e-9)
    return [round(number * width, 12) for number in range(first, last + 1)]


def some(values: Sequence[int], most: int = 16) -> list[int]:
    """At most `most` of these, evenly spread, the first among them."""
    every = max(1, math.ceil(len(values) / most))
    return list(values[::every])
