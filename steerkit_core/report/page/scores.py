"""What a selector gave its candidates, by layer: a line for each position, of each number in its table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

from steerkit_core.report.charts.palette import SERIES
from steerkit_core.report.content.selection import chosen_row

PLACES = ("layer", "position", "multiplier")  # columns that say which candidate it is

Entry = Mapping[str, Any]


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
    by_position: Mapping[int, Sequence[Candidate]]


def scores_of(report: Entry, entry: Entry) -> list[Scores]:
    """The columns of a selector's table that are scores; none where it counted texts, which the map shows.

    Of more positions than there are colours the chosen one is kept, and those that come first.
    """
    table = [row for row in entry["table"] if type(row.get("layer")) is int]
    if len({row["layer"] for row in table}) < 2 or entry["refusal_rate"] is not None:
        return []
    chosen = chosen_row(report, entry)
    first = [] if chosen is None else [chosen.get("position")]
    every = dict.fromkeys([*first, *(row.get("position") for row in table)])
    positions = sorted(list(every)[: len(SERIES)], key=lambda one: (one is None, one))
    names = dict.fromkeys(name for row in table for name in row if name not in PLACES)
    found = []
    for name in names:
        lines = {position: _line(table, name, position, chosen) for position in positions}
        if any(lines.values()):
            found.append(Scores(name, {position: line for position, line in lines.items() if line}))
    return found


def _line(table: Sequence[Entry], name: str, position: int | None, chosen: Entry | None) -> list[Candidate]:
    line = [
        Candidate(row["layer"], row[name], row is chosen, str(row.get("excluded") or ""))
        for row in table
        if row.get("position") == position and type(row.get(name)) is float and math.isfinite(row[name])
    ]
    return sorted(line, key=lambda one: one.layer)
