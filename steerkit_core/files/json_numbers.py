"""Numbers in JSON, which has no word for infinity and NaN."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypeVar, cast

T = TypeVar("T")


def finite(number: float) -> float | None:
    """The number; None, which JSON writes as null, where it is infinite or NaN."""
    return number if math.isfinite(number) else None


def finite_within(table: Mapping[str, T]) -> dict[str, T]:
    """The table with every number in it made `finite`, however deep; tuples become lists."""
    return {key: cast("T", _finite(value)) for key, value in table.items()}


def _finite(value: object) -> object:
    if isinstance(value, dict):
        return finite_within(value)
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return finite(value) if isinstance(value, float) else value
