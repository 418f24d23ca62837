"""What was measured, as values, and as tables for the terminal and the documentation."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from attrs import asdict, field, frozen
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[2]
PAGE, FIGURES, SUMMARY = (
    ROOT / "docs" / "benchmarks.md",
    ROOT / "docs" / "benchmarks.json",
    ROOT / "docs" / "guide" / "speed.md",
)
BEGIN, END = "<!-- table -->", "<!-- end of table -->"


@frozen
class Spread:
    """Some repeats of one measurement."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """The median, and the extremes."""
        known = sorted(values)
        return cls(statistics.median(known), known[0], known[-1])

    def text(self, digits: int = 0, unit: str = "") -> str:
        """`455 (440 to 460) tokens/s`."""
        shown = f"{self.median:,.{digits}f}"
        if self.low != self.high:
            shown += f" ({self.low:,.{digits}f} to {self.high:,.{digits}f})"
        return f"{shown} {unit}".strip()


def machine() -> str:
    """The machine, in words."""
    return f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}, Python {platform.python_version()}"


def circumstances() -> str:
    """Date, and how busy the machine was over the last minute; near the number of cores means undisturbed."""
    return f"{datetime.now(UTC).date().isoformat()}, load {os.getloadavg()[0]:.1f}"


@frozen
class Section:
    """One table with its raw figures. `rows` are texts, a row having as many as there are headings."""

    name: str
    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    figures: Any = None
    notes: Sequence[str] = ()
    where: str = field(factory=circumstances)


def against(ratio: float, aim: float, *, most: bool = False) -> str:
    """`0.97 (aim: at least 0.95)`, and by how much it is missed where it is."""
    reached = ratio <= aim if most else ratio >= aim
    word = "at most" if most else "at least"
    return f"{word} {aim:g} x" + ("" if reached else ", missed")


def show(console: Console, section: Section) -> None:
    """Print one table."""
    table = Table(
        title=f"{section.title} ({section.where})", title_justify="left", box=None, padding=(0, 2, 0, 0)
    )
    for heading in section.headings:
        table.add_column(heading, overflow="fold")
    for row in section.rows:
        table.add_row(*row)
    console.print(table)
    for note in section.notes:
        console.print(f"  {note}", style="dim")
    console.print()


def write(sections: Sequence[Section], provisional: str = "") -> None:
    """Renew the figures and both pages; a section that was not measured stays as it was.

    `provisional` says why the figures are not to be relied on; the pages then say it too.
    """
    found = json.loads(FIGURES.read_text(encoding="utf-8")) if FIGURES.exists() else {}
    parts = {**found.get("sections", {}), **{section.name: asdict(section) for section in sections}}
    found = {"machine": machine(), "provisional": provisional, "sections": parts}
    FIGURES.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    between(PAGE, page_lines(found))
    between(SUMMARY, summary_lines(found))


def page_lines(found: dict[str, Any]) -> list[str]:
    """All tables, for the documentation."""
    lines = [f"{found['machine']}.", "", *_warning(found)]
    for part in found["sections"].values():
        notes = [f"- {note}" for note in part["notes"]]
        lines += [f"### {part['title']}", "", f"{part['where']}.", ""]
        lines += [*_table([part["headings"], *part["rows"]]), "", *notes, *[""] * bool(notes)]
    return lines[:-1]


def summary_lines(found: dict[str, Any]) -> list[str]:
    """One line for each model: the ways side by side."""
    part = found["sections"]["throughput"]
    rows: dict[str, dict[str, str]] = {}
    for one in part["figures"]:
        if not one["natural"]:
            rate = f"{statistics.median(one['rates']):,.0f}" if "rates" in one else "fails"
            rows.setdefault(one["model"], {})[one["way"]] = rate
    ways = list(next(iter(rows.values())))
    table = _table(
        [["new tokens/s", *ways], *([model, *(of[way] for way in ways)] for model, of in rows.items())]
    )
    return [*_warning(found), *table, "", f"{found['machine']}; {part['where']}."]


def _warning(found: dict[str, Any]) -> list[str]:
    return (
        [f"**Provisional, not to be relied on:** {found['provisional']}.", ""]
        if found["provisional"]
        else []
    )


def between(page: Path, lines: Sequence[str]) -> None:
    """Put lines between the marks of a page, in place of those that are there."""
    before, rest = page.read_text(encoding="utf-8").split(BEGIN)
    _, after = rest.split(END)
    page.write_text(f"{before}{BEGIN}\n" + "\n".join(lines) + f"\n{END}{after}", encoding="utf-8")


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return [lines[0], "| " + " | ".join(["---"] * len(rows[0])) + " |", *lines[1:]]
