"""The prompt audit in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from steerkit_core.report.content.prompts import audit_lines

if TYPE_CHECKING:
    from steerkit_core.results.manifest import PromptAudit


def print_audit(heading: str, audit: PromptAudit | None, console: Console) -> None:
    """The lines below a heading; a run of an earlier version has none."""
    console.print(f"\n[bold]{escape(heading)}[/]", soft_wrap=True)
    for line in audit_lines(audit) if audit else ():
        console.print(f"  {escape(line)}", soft_wrap=True)
