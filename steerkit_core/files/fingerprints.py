"""Hashes of JSON values, and of what a recipe says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

# the run's name and the batch size determine no result, and a run that was too large for the memory must be
# able to resume with smaller batches
WITHOUT_EFFECT = {"run": "name", "generation": "batch_size"}


def fingerprint(value: object) -> str:
    """SHA-256 of a JSON value in its canonical form."""
    # a date is no option of anything, but may stand in a grid and be reported there
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def document_fingerprint(document: Mapping[str, object]) -> str:
    """SHA-256 of what a recipe says, whatever its layout and comments, and without empty tables.

    The run's name and the batch size are left out.
    """
    found = {table: _with_effect(table, value) for table, value in document.items()}
    return fingerprint({table: value for table, value in found.items() if value != {}})


def _with_effect(table: str, value: object) -> object:
    if not isinstance(value, dict):
        return value
    return {key: one for key, one in value.items() if key != WITHOUT_EFFECT.get(table)}
