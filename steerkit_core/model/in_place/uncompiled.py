"""Code that torch has compiled does not look for hooks, so it is not used while anything is steered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

import torch

# torch keeps one stance for the whole process, and so has to be kept who still needs it: blocks may be
# left in another order than they were entered, and each would put back what it found
_LOCK = Lock()
_HELD: list[Any] = []


@contextmanager
def uncompiled() -> Iterator[None]:
    """Have torch run everything as it is written until the last of those who ask for it has ended."""
    with _LOCK:
        _HELD.append(_HELD[0] if _HELD else torch.compiler.set_stance("force_eager"))
    try:
        yield
    finally:
        with _LOCK:
            stance = _HELD.pop()
            if not _HELD:
                stance.__exit__(None, None, None)
