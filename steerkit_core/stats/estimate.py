"""A number with its confidence interval."""

from typing import Any

from attrs import frozen

CONFIDENCE = 0.95


@frozen
class Estimate:
    """A number with its confidence interval."""

    value: float
    low: float
    high: float

    def __getitem__(self, key: str) -> float:
        return float(getattr(self, key))


@frozen
class Rate:
    """`k` of `n` with a confidence interval."""

    k: int
    n: int
    rate: float
    low: float
    high: float

    def __getitem__(self, key: str) -> Any:
        return getattr(self, key)
