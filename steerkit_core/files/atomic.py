"""Files that are replaced in one step, so that a reader never sees half of one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replaced(target: Path) -> Iterator[Path]:
    """Where to write what then takes the place of `target`; after an error `target` is as it was.

    Raises:
        OSError: it cannot be written; `unwritable` says it in a sentence.
    """
    partial = target.with_name(f".{target.name}.partial")
    yield partial
    partial.replace(target)
