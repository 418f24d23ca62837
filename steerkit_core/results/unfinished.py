"""A run that has not ended: what is there so far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from attrs import asdict, frozen

from steerkit_core.results.cells import BegunCell
from steerkit_core.results.files import CELLS, COMPLETIONS, read_manifest, read_rows
from steerkit_core.results.manifest import Manifest
from steerkit_core.results.rows import CompletionRow
from steerkit_core.results.run import check_recipe, command_of, one_cell, progress_words

REMEDY = "to have the row generated again"


@frozen(kw_only=True)
class UnfinishedCell(BegunCell):
    """A cell with what it has so far: completions, how many of them failed, tokens, endings."""

    completions: int
    failed: int
    tokens: int
    stops: Mapping[str, int]

    @classmethod
    def of(cls, cell: BegunCell, rows: Sequence[CompletionRow]) -> UnfinishedCell:
        """A cell, and its rows counted."""
        return cls(
            **asdict(cell),
            completions=len(rows),
            failed=sum(row.error is not None for row in rows),
            tokens=sum(row.tokens for row in rows),
            stops=dict(sorted(Counter(row.stop for row in rows).items())),
        )


@frozen(kw_only=True)
class UnfinishedRun:
    """Which run it is."""

    name: str


@frozen(kw_only=True)
class UnfinishedReport:
    """What `steerkit show --json` prints of an unfinished run; `command` finishes it."""

    state: str = "unfinished"
    run: UnfinishedRun
    completions: int
    planned: int | None
    command: str
    cells: tuple[UnfinishedCell, ...]


@frozen(eq=False)
class Unfinished:
    """What an unfinished run holds: its cells with how many rows they have, and every row."""

    folder: Path
    manifest: Manifest
    cells: tuple[UnfinishedCell, ...]
    rows: tuple[CompletionRow, ...]

    @property
    def progress(self) -> str:
        """How far it is."""
        return progress_words(self.folder, self.manifest)

    @property
    def command(self) -> str:
        """The command line that finishes it."""
        return command_of(self.folder, self.manifest)

    @property
    def report(self) -> UnfinishedReport:
        """What a program may want to know."""
        return UnfinishedReport(
            run=UnfinishedRun(name=self.manifest.name),
            completions=len(self.rows),
            planned=self.manifest.planned,
            command=self.command,
            cells=self.cells,
        )

    def texts(self, cell: str) -> list[CompletionRow]:
        """The rows of the one cell whose id begins so.

        Raises:
            StoreError: there is none, or more than one.
        """
        found = one_cell(self.folder, [one.id for one in self.cells], cell, when=" so far")
        return [row for row in self.rows if row.cell == found]


def read_unfinished(folder: Path) -> Unfinished:
    """The cells that a run has begun, and the rows that it has; nothing is judged yet.

    Raises:
        StoreError: it is no run, a line is damaged, or its recipe is another.
    """
    manifest = read_manifest(folder)
    check_recipe(folder, manifest, None)
    rows = read_rows(folder, COMPLETIONS, CompletionRow, REMEDY) if _has(folder, COMPLETIONS) else []
    begun = read_rows(folder, CELLS, BegunCell, "to have it written again") if _has(folder, CELLS) else []
    # of a row that stands there twice the last one counts
    rows = list({(row.cell, row.prompt_id): row for row in rows}.values())
    facts = {cell.id: cell for cell in begun}
    own: dict[str, list[CompletionRow]] = {name: [] for name in facts}
    for row in rows:
        # a run of an earlier version has not kept what its cells are
        facts.setdefault(row.cell, BegunCell(id=row.cell))
        own.setdefault(row.cell, []).append(row)
    cells = tuple(UnfinishedCell.of(cell, own[name]) for name, cell in facts.items())
    return Unfinished(folder, manifest, cells, tuple(rows))


def _has(folder: Path, name: str) -> bool:
    return (folder / name).exists()
