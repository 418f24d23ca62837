"""What was written in a finished run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from steerkit_core.errors import StoreError


def judged_rows(folder: Path, cell: str | None = None) -> list[dict[str, Any]]:
    """The completions of a cell, or of all cells, each with its verdict.

    Raises:
        StoreError: a file of the run is missing or damaged.
    """
    from steerkit_core.store import COMPLETIONS, VERDICTS

    verdicts, texts = (
        # of a row that stands there twice the last one counts, as it does for the run
        {
            (row["cell"], row["prompt_id"]): row
            for row in _lines(folder / name)
            if cell in (None, row["cell"])
        }
        for name in (VERDICTS, COMPLETIONS)
    )
    return [{**texts[key], **verdict} for key, verdict in verdicts.items()]


def _lines(path: Path) -> list[dict[str, Any]]:
    try:
        # bytes end lines at line feeds alone; a text may hold other characters that str counts as ends
        return [json.loads(line) for line in path.read_bytes().splitlines()]
    except (OSError, ValueError) as error:
        raise StoreError(f"{path}: cannot be read: {error}") from None
