"""Finding a finished run, a cell of it, and what was written there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from steerkit_core.errors import StoreError, nearest


def folder_of(run: Path) -> Path:
    """The run directory that is meant by a folder or by the name of one below runs/."""
    return run if run.exists() or not (Path("runs") / run).exists() else Path("runs") / run


def find_cell(report: Mapping[str, Any], folder: Path, name: str) -> dict[str, Any]:
    """The one cell whose id begins with `name`.

    Raises:
        StoreError: there is none, or more than one.
    """
    ids = [entry["id"] for entry in report["cells"]]
    chosen = [id_ for id_ in ids if id_.startswith(name)] if name else []
    if len(chosen) != 1:
        raise StoreError(
            f"{folder}: {'no' if not chosen else 'more than one'} cell {name!r}{nearest(name, ids)}"
            f" (cells: {', '.join(ids)})"
        )
    return next(entry for entry in report["cells"] if entry["id"] == chosen[0])


def judged_rows(folder: Path, cell: str) -> list[dict[str, Any]]:
    """The completions of a cell, each with its verdict.

    Raises:
        StoreError: a file of the run is missing or damaged.
    """
    from steerkit_core.store import COMPLETIONS, VERDICTS

    verdicts = {row["prompt_id"]: row for row in _lines(folder / VERDICTS) if row["cell"] == cell}
    # of a row that stands there twice the last one counts, as it does for the run
    texts = {row["prompt_id"]: row for row in _lines(folder / COMPLETIONS) if row["cell"] == cell}
    return [{**texts[prompt_id], **verdict} for prompt_id, verdict in verdicts.items()]


def _lines(path: Path) -> list[dict[str, Any]]:
    try:
        # bytes end lines at line feeds alone; a text may hold other characters that str counts as ends
        return [json.loads(line) for line in path.read_bytes().splitlines()]
    except (OSError, ValueError) as error:
        raise StoreError(f"{path}: cannot be read: {error}") from None
