"""Numbers of rows by columns as coloured fields, for the page and for the figures."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from steerkit_core.report.palette import ink, shade


@frozen
class Field:
    """What stands in one row and column: a text, its number where it has one, and its colours."""

    text: str
    value: float | None
    style: str


@frozen
class Matrix:
    """Fields by row and column. `ends` are the numbers at the ends of the colours."""

    title: str
    short: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    ends: tuple[float, float]
    entries: Mapping[tuple[str, str], Field]


def field_of(text: str, value: float | None, ends: tuple[float, float]) -> Field:
    """A field in viridis between `ends`, its text in black or white; without a number it has no colour."""
    if value is None:
        return Field(text, None, "")
    low, high = ends
    colour = shade((value - low) / (high - low))
    return Field(text, value, f"background:{colour};color:{ink(colour)}")
