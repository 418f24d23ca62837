"""A number with its confidence interval."""

from attrs import frozen

CONFIDENCE = 0.95


@frozen
class Estimate:
    """A number with its confidence interval."""

    value: float
    low: float
    high: float
