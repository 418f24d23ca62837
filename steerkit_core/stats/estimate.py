"""A number with its confidence interval."""

from attrs import frozen

CONFIDENCE = 0.95


@frozen
class Estimate:
    """A number with its confidence interval."""

    value: float
    low: float
    high: float


@frozen
class Rate:
    """`k` of `n` with a confidence interval."""

    k: int
    n: int
    rate: float
    low: float
    high: float
