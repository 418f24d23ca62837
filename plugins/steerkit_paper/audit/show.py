"""An audit in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from steerkit_paper.audit.findings import Audit
from steerkit_paper.audit.wording import Group, addition, groups, summary
from steerkit_paper.records import Paper
from steerkit_paper.terminal import Notes, new_table

STYLE = {"holds": "green", "differs": "red", "cannot be recomputed": "yellow"}


def print_audit(paper: Paper, audit: Audit, console: Console | None = None) -> None:
    """Every finding by table, then what the sources contradict, what can be added, the claims, the sum."""
    console = console or Console(highlight=False)
    for group in groups(paper, audit):
        console.print()
        notes = Notes()
        console.print(_table(group, notes))
        notes.print(console)
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


def _table(group: Group, notes: Notes) -> Table:
    table = new_table(title=escape(group.title), title_justify="left", title_style="bold")
    for heading in ("", "printed", "ours", "by prompt", "verdict"):
        table.add_column(heading, overflow="fold")
    for row in group.rows:
        verdict = f"[{STYLE[row.status]}]{escape(row.verdict)}[/]{notes.mark(row.detail)}"
        table.add_row(*map(escape, (row.what, row.printed, row.ours, row.by_prompt)), verdict)
    return table
