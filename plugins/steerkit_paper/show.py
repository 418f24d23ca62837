"""An audit in a terminal."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from steerkit_paper.audit import Audit
from steerkit_paper.records import Paper
from steerkit_paper.wording import Group, addition, groups, summary

STYLE = {"holds": "green", "differs": "red", "cannot be recomputed": "yellow"}


def print_audit(paper: Paper, audit: Audit, console: Console | None = None) -> None:
    """Every finding by table, then what the sources contradict, what can be added, the claims, the sum."""
    console = console or Console(highlight=False)
    for group in groups(paper, audit):
        console.print()
        table, notes = _table(group)
        console.print(table)
        for number, note in enumerate(notes, 1):
            console.print(f"  [dim]{number}  {escape(note)}[/]")
    for entry in audit.sums:
        if not entry.holds:
            console.print(f"[red]{escape(entry.id)}[/]: {escape(entry.printed)}, ours {entry.ours:.1f}%")
    differences = [
        f"{entry.what}: {'; '.join(f'{side.says} ({side.source})' for side in entry.sides)}"
        + (f". {entry.note}" if entry.note else "")
        for entry in audit.disagreements
    ]
    _print_list("given differently in different places", differences, console)
    added = [addition(entry) for entry in audit.additions]
    _print_list("not in the paper, from its counts; each prompt counts once", added, console)
    _print_list(
        "claims", [f"{claim.claim}: {claim.verdict}; {claim.why}" for claim in audit.claims], console
    )
    console.print()
    for line in summary(audit):
        console.print(escape(line), soft_wrap=True)


def _print_list(title: str, lines: Sequence[str], console: Console) -> None:
    if lines:
        console.print(f"\n[bold]{escape(title)}[/]")
        for line in lines:
            console.print(f"  {escape(line)}", soft_wrap=True)


def _table(group: Group) -> tuple[Table, list[str]]:
    """The findings, and the notes that their verdicts refer to by number."""
    table = Table(
        title=escape(group.title), title_justify="left", title_style="bold", header_style="bold", box=SIMPLE
    )
    for heading in ("", "printed", "ours", "by prompt", "verdict"):
        table.add_column(heading, overflow="fold")
    notes = list(dict.fromkeys(row.detail for row in group.rows if row.detail))
    for row in group.rows:
        mark = f" [dim]{notes.index(row.detail) + 1}[/]" if row.detail else ""
        verdict = f"[{STYLE[row.status]}]{escape(row.verdict)}[/]{mark}"
        table.add_row(*map(escape, (row.what, row.printed, row.ours, row.by_prompt)), verdict)
    return table, notes


def print_pack(paper: Paper, tables: Collection[str], console: Console | None = None) -> None:
    """The recipes that repeat each table."""
    console = console or Console(highlight=False)
    table = Table(box=SIMPLE, header_style="bold")
    for heading in ("table", "section", "models", "recipes"):
        # the name of a recipe is there to be copied
        table.add_column(heading, no_wrap=heading == "models", overflow="fold")
    for entry in paper.tables:
        if entry.id in tables and (entry.recipes or entry.bundled or entry.gap):
            recipes = "\n".join(entry.recipes) or f"[yellow]{escape(entry.gap)}[/]"
            table.add_row(entry.id, escape(entry.section), "the paper's", recipes)
            if entry.bundled:
                table.add_row("", "", "bundled", "\n".join(entry.bundled))
    console.print(table)
    console.print("each is run by name: steerkit run RECIPE", markup=False)
