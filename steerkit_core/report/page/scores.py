"""What a selector gave its candidates, by layer: a line for each position, of each number in its table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from attrs import frozen

from steerkit_core.report.charts.palette import SERIES
from steerkit_core.report.content.selection import Row, chosen_row
from steerkit_core.results.findings import SelectionResult
from steerkit_core.results.results import RunResults

PLACES = ("layer", "position", "multiplier")  # columns that say which candidate it is


@frozen
class Candidate:
    """A candidate's layer and its number. An excluded one could not be chosen."""

    layer: int
    value: float
    chosen: bool
    excluded: str


@frozen
class Scores:
    """One number of all candidates: by position, each in the order of their layers."""

    name: str
    by_position: Mapping[int | None, Sequence[Candidate]]


def scores_of(results: RunResults, entry: SelectionResult) -> list[Scores]:
    """The columns of a selector's table that are scores; none where it counted texts, which the map shows.

    Of more positions than there are colours the chosen one is kept, and those that come first.
    """
    table = [row for row in entry.table if type(row.get("layer")) is int]
    if len({row["layer"] for row in table}) < 2 or entry.refusal_rate is not None:
        return []
    chosen = chosen_row(results, entry)
    first = [] if chosen is None else [_position(chosen)]
    every = dict.fromkeys([*first, *map(_position, table)])
    positions = sorted(list(every)[: len(SERIES)], key=lambda one: (one is None, one or 0))
    names = dict.fromkeys(name for row in table for name in row if name not in PLACES)
    found = []
    for name in names:
        lines = {position: _line(table, name, position, chosen) for position in positions}
        if any(lines.values()):
            found.append(Scores(name, {position: line for position, line in lines.items() if line}))
    return found


def _position(row: Row) -> int | None:
    found = row.get("position")
    return found if isinstance(found, int) else None


def _line(table: Sequence[Row], name: str, position: int | None, chosen: Row | None) -> list[Candidate]:
    line = [
        Candidate(layer, value, row is chosen, str(row.get("excluded") or ""))
        for row in table
        if _position(row) == position
        and isinstance(layer := row["layer"], int)
        and type(value := row.get(name)) is float
        and math.isfinite(value)
    ]
    return sorted(line, key=lambda one: one.layer)
