"""The paper's way: plain hooks, one cell after another, one prompt at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from itertools import groupby
from typing import TYPE_CHECKING, Any

from bench.plain import generate
from bench.work import Work, Written, without_end

if TYPE_CHECKING:
    from steerkit_core.model.handle import ModelHandle


def naive(handle: ModelHandle, work: Work, pairs: Sequence[tuple[int, int]]) -> Written:
    """Some pairs, grouped by cell."""
    texts, tokens = {}, 0
    begun = time.monotonic()
    for index, group in groupby(pairs, key=lambda pair: pair[0]):
        cell = work.cells[index]
        with ExitStack() as stack:
            for block in handle.blocks[cell.layer :]:
                stack.callback(block.register_forward_hook(_adding(cell.shift)).remove)
            for pair in group:
                (ids,) = generate(handle, [work.encoded[pair[1]]], work.tokens)
                texts[pair], made = without_end(ids, handle.eos_ids)
                tokens += made
    return Written(time.monotonic() - begun, tokens, texts)


def _adding(shift: Any) -> Callable[..., Any]:
    def hook(_module: Any, _arguments: Any, output: Any) -> Any:
        return (output[0] + shift, *output[1:]) if isinstance(output, tuple) else output + shift

    return hook
