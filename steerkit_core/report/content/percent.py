"""Rates, their intervals and their differences as people read them, in percent and percentage points."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from steerkit_core.stats.estimate import Rate


def interval(rate: Rate | Mapping[str, Any], to: str = " to ") -> str:
    """The interval of a rate, as `74 to 97%`."""
    return f"{100 * rate['low']:.0f}{to}{100 * rate['high']:.0f}%"


def in_points(share: float) -> str:
    """A difference of two rates in percentage points, signed."""
    return f"{100 * share:+.0f}"


def points_interval(gap: Mapping[str, Any]) -> str:
    """The interval of a difference of two rates in percentage points, as `-5 to +12`."""
    return f"{in_points(gap['low'])} to {in_points(gap['high'])}"
