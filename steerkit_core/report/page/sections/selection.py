"""How each configuration came to its cell."""

from __future__ import annotations

from collections.abc import Sequence

from steerkit_core.report.charts.figure import Figure, Panel
from steerkit_core.report.charts.keys import line_keys
from steerkit_core.report.charts.lines import Line, Point, line_chart
from steerkit_core.report.charts.picture import Picture
from steerkit_core.report.content.evidence import bias_line, control_lines
from steerkit_core.report.content.record import RunRecord
from steerkit_core.report.content.selection import (
    chosen_row,
    columns_of,
    entry_of,
    in_words,
    ordered,
    setting_of,
    title_of,
)
from steerkit_core.report.page.scores import Scores, scores_of
from steerkit_core.report.page.sections.base import Section

MOST, ROWS, ALL = 40, 400, 1200  # configurations; rows of one table; rows of all tables
DRAWN = 6  # configurations whose scores are drawn
SIZE = (340, 230)


def section(run: RunRecord) -> Section:
    """The selectors' own sentences, and their tables of candidates."""
    room = run.limit(ALL)
    entries = run.results.selections
    shown, charts = [], 0
    for entry in entries[: run.limit(MOST)]:
        chosen = chosen_row(run.results, entry)
        rows = ordered(run.results, entry)[: min(ROWS, room)] if len(entry.table) > 1 else []
        room -= len(rows)
        names = columns_of(rows)
        drawn = scores_of(run.results, entry) if charts < run.limit(DRAWN) else []
        charts += bool(drawn)
        shown.append(
            {
                "scores": figure(title_of(entry), drawn) if drawn else None,
                "title": title_of(entry),
                "bias": bias_line(entry.optimism) if entry.optimism else "",
                "controls": control_lines(run.results, entry.cell),
                "columns": names,
                "rows": [
                    (row is chosen, bool(row.get("excluded")), [entry_of(row, name) for name in names])
                    for row in rows
                ],
                "total": len(entry.table),
            }
        )
    return Section(
        "selection", "How the cell was chosen", {"shown": shown, "left_out": len(entries) - len(shown)}
    )


def figures(run: RunRecord) -> list[Figure]:
    """The scores of a page of this run alone."""
    entries = [(entry, scores_of(run.results, entry)) for entry in run.results.selections]
    return [figure(setting_of(entry), scores) for entry, scores in entries if scores][:DRAWN]


def figure(title: str, found: Sequence[Scores]) -> Figure:
    """A panel for each number, all with the same lines."""
    panels = [Panel(chart(title, one), one.name) for one in found]
    keys = line_keys([f"position {place}" for place in found[0].by_position])
    return Figure(title, panels, keys, "hollow: excluded; ring: chosen")


def chart(title: str, found: Scores) -> Picture:
    """One number of all candidates by layer, a line for each position."""
    lines = [
        Line(
            f"position {position}",
            [
                Point(
                    one.layer,
                    one.value,
                    hint=f"layer {one.layer}: {in_words(one.value)}"
                    + (f", excluded: {one.excluded}" if one.excluded else ", chosen" * one.chosen),
                    hollow=bool(one.excluded),
                    ringed=one.chosen,
                )
                for one in line
            ],
        )
        for position, line in found.by_position.items()
    ]
    return line_chart(
        f"{found.name} by layer: {title}", lines, x="layer", y=found.name, from_zero=False, size=SIZE
    )
