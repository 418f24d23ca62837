"""Numbers of rows by columns as coloured fields, for the page and for the figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import frozen

from steerkit_core.report.charts.figure import Figure, Panel
from steerkit_core.report.charts.keys import ramp_key
from steerkit_core.report.charts.palette import ink, shade
from steerkit_core.report.charts.squares import Axis, squares

WIDTH, HEIGHT = 66, 46  # pixels of a field in a figure


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


def matrix_figures(title: str, found: Sequence[Matrix], across: str, down: str) -> list[Figure]:
    """Matrices of the same rows and columns side by side, the names of the rows at the first; or none.

    Args:
        title: heads the figure.
        found: in the order of their panels.
        across: what the columns are.
        down: what the rows are.
    """
    panels = []
    for number, matrix in enumerate(found):
        fields = [[matrix.entries.get((row, column)) for column in matrix.columns] for row in matrix.rows]
        values = [[None if one is None else one.value for one in row] for row in fields]
        rows = Axis("" if number else down, [""] * len(fields) if number else matrix.rows, HEIGHT)
        columns = Axis(across, matrix.columns, WIDTH)
        chart = squares(matrix.title, values, rows, columns, ends=matrix.ends, form="{:.2f}", names=True)
        keys = [ramp_key("", *(f"{end:g}" for end in matrix.ends))]
        panels.append(Panel(chart, matrix.short, keys))
    return [Figure(title, panels)] if panels else []
