"""What the tables of both commands share in a terminal, and the list of tables."""

from __future__ import annotations

from collections.abc import Collection

from attrs import field, frozen
from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from steerkit_paper.records import Paper


def new_table(**options: object) -> Table:
    """A table as all of them look."""
    return Table(box=SIMPLE, header_style="bold", **options)  # type: ignore[arg-type]  # reason: rich's own


@frozen
class Notes:
    """Remarks below a table, to which its rows refer by number."""

    texts: list[str] = field(factory=list)

    def mark(self, text: str) -> str:
        """The number of a remark, as it stands behind a verdict; nothing where there is none."""
        if not text:
            return ""
        if text not in self.texts:
            self.texts.append(text)
        return f" [dim]{self.texts.index(text) + 1}[/]"

    def print(self, console: Console) -> None:
        """All remarks, in the order of their numbers."""
        for number, text in enumerate(self.texts, 1):
            console.print(f"  [dim]{number}  {escape(text)}[/]")


def print_tables(paper: Paper, tables: Collection[str], console: Console | None = None) -> None:
    """The recipes that repeat each table."""
    console = console or Console(highlight=False)
    table = new_table()
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
