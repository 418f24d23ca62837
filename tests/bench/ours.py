"""steerkit's sweep: rows of all cells in mixed batches."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from bench.work import Work, Written

if TYPE_CHECKING:
    from steerkit_core.model.handle import ModelHandle


def ours(
    handle: ModelHandle, work: Work, pairs: Sequence[tuple[int, int]], batch: int | Literal["auto"]
) -> Written:
    """All pairs through the public door that a run goes through."""
    from steerkit_core.generation import Row, generate
    from steerkit_core.recipe.options import GenerationOptions
    from steerkit_core.values import Edit, Intervention

    options = GenerationOptions(max_new_tokens=work.tokens, batch_size=batch)
    steered = [
        Intervention(tuple(Edit(layer, add=cell.shift) for layer in range(cell.layer, handle.num_layers)))
        for cell in work.cells
    ]
    begun = time.monotonic()
    rows = [Row(work.prompts[prompt], steered[cell], str(cell)) for cell, prompt in pairs]
    done = list(generate(handle, rows, options))
    seconds = time.monotonic() - begun
    texts = {pairs[index]: written.token_ids for index, written in done}
    tokens = sum(len(written.token_ids) + (written.stop == "eos") for _, written in done)
    return Written(seconds, tokens, texts)
