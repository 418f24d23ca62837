"""Hashes of JSON values, and of what a recipe says."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping
from typing import Any


def fingerprint(value: Any) -> str:
    """SHA-256 of a JSON value in its canonical form."""
    # a date is no option of anything, but may stand in a grid and be reported there
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def document_fingerprint(document: Mapping[str, Any]) -> str:
    """SHA-256 of what a recipe says, whatever its layout and comments.

    The run's name and the batch size are left out: they determine no result, and a run that was too large
    for the memory must be able to go on with smaller batches.
    """
    found = copy.deepcopy(dict(document))
    found.get("run", {}).pop("name", None)
    found.get("generation", {}).pop("batch_size", None)
    return fingerprint({table: value for table, value in found.items() if value != {}})
