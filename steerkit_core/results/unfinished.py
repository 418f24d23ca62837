"""A run that has not ended: what is there so far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from steerkit_core.results.files import CELLS, COMPLETION_KEYS, COMPLETIONS, read_manifest, read_rows
from steerkit_core.results.run import check_recipe, command_of, one_cell, progress_words

REMEDY = "to have the row generated again"


@frozen(eq=False)
class Unfinished:
    """What an unfinished run holds: its cells with how many rows they have, and every row."""

    folder: Path
    manifest: Mapping[str, Any]
    cells: tuple[Mapping[str, Any], ...]
    rows: tuple[Mapping[str, Any], ...]

    @property
    def progress(self) -> str:
        """How far it is."""
        return progress_words(self.folder, self.manifest)

    @property
    def command(self) -> str:
        """The command line that finishes it."""
        return command_of(self.folder, self.manifest)

    def as_json(self) -> dict[str, Any]:
        """What a program may want to know."""
        return {
            "state": "unfinished",
            "run": {"name": self.manifest.get("name")},
            "completions": len(self.rows),
            "planned": self.manifest.get("planned"),
            "command": self.command,
            "cells": [dict(cell) for cell in self.cells],
        }

    def texts(self, cell: str) -> list[Mapping[str, Any]]:
        """The rows of the one cell whose id begins so.

        Raises:
            StoreError: there is none, or more than one.
        """
        found = one_cell(self.folder, [str(one["id"]) for one in self.cells], cell, when=" so far")
        return [row for row in self.rows if row["cell"] == found]


def read_unfinished(folder: Path) -> Unfinished:
    """The cells that a run has begun, and the rows that it has; nothing is judged yet.

    Raises:
        StoreError: it is no run, a line is damaged, or its recipe is another.
    """
    manifest = read_manifest(folder)
    check_recipe(folder, manifest, None)
    rows = read_rows(folder, COMPLETIONS, COMPLETION_KEYS, REMEDY) if _has(folder, COMPLETIONS) else []
    begun = read_rows(folder, CELLS, ("id",), "to have it written again") if _has(folder, CELLS) else []
    # of a row that stands there twice the last one counts
    rows = list({(row["cell"], row["prompt_id"]): row for row in rows}.values())
    facts: dict[str, Mapping[str, Any]] = {cell["id"]: cell for cell in begun}
    own: dict[str, list[Mapping[str, Any]]] = {name: [] for name in facts}
    for row in rows:
        # a run of an earlier version has not kept what its cells are
        facts.setdefault(row["cell"], {"id": row["cell"]})
        own.setdefault(row["cell"], []).append(row)
    cells = tuple(
        {
            **cell,
            "completions": len(own[name]),
            "failed": sum(row["error"] is not None for row in own[name]),
            "tokens": sum(row["tokens"] for row in own[name]),
            "stops": dict(sorted(Counter(row["stop"] for row in own[name]).items())),
        }
        for name, cell in facts.items()
    )
    return Unfinished(folder, manifest, cells, tuple(rows))


def _has(folder: Path, name: str) -> bool:
    return (folder / name).exists()
