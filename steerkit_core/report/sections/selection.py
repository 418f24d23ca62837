"""How each setting came to its cell."""

from __future__ import annotations

from steerkit_core.report.evidence import control_lines, luck_line
from steerkit_core.report.record import RunRecord
from steerkit_core.report.sections.base import Section
from steerkit_core.report.selection import chosen_row, columns_of, in_words, ordered, title_of

MOST, ROWS, ALL = 40, 400, 1200  # settings; rows of one table; rows of all tables


def section(run: RunRecord) -> Section:
    """The selectors' own sentences, and their tables of candidates."""
    room = run.limit(ALL)
    entries = run.report["selections"]
    shown = []
    for entry in entries[: run.limit(MOST)]:
        chosen = chosen_row(run.report, entry)
        rows = ordered(run.report, entry)[: min(ROWS, room)] if len(entry["table"]) > 1 else []
        room -= len(rows)
        names = columns_of(rows)
        shown.append(
            {
                "title": title_of(entry),
                "luck": luck_line(entry["optimism"]) if entry.get("optimism") else "",
                "controls": control_lines(run.report, entry["cell"]),
                "columns": names,
                "rows": [
                    (row is chosen, bool(row.get("excluded")), [in_words(row.get(name)) for name in names])
                    for row in rows
                ],
                "total": len(entry["table"]),
            }
        )
    return Section(
        "selection", "How the cell was chosen", {"shown": shown, "left_out": len(entries) - len(shown)}
    )
