"""Plain `transformers.generate` on batches, without steering: the limit."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bench.work import Work, Written, without_end

if TYPE_CHECKING:
    from steerkit_core.model.handle import ModelHandle


def plain(handle: ModelHandle, work: Work, pairs: Sequence[tuple[int, int]], batch: int) -> Written:
    """The same prompts as often, in the same batches, with nothing added."""
    texts, tokens = {}, 0
    begun = time.monotonic()
    for chosen in work.batches(pairs, batch):
        new = generate(handle, [work.encoded[prompt] for _, prompt in chosen], work.tokens)
        for pair, ids in zip(chosen, new, strict=True):
            texts[pair], made = without_end(ids, handle.eos_ids)
            tokens += made
    return Written(time.monotonic() - begun, tokens, texts)


def generate(handle: ModelHandle, encoded: Sequence[Sequence[int]], tokens: int) -> list[list[int]]:
    """New tokens of a batch, padded on the left."""
    import torch

    model: Any = handle.model
    longest = max(map(len, encoded))
    ids = torch.tensor([[handle.pad_id] * (longest - len(one)) + list(one) for one in encoded])
    mask = torch.tensor([[0] * (longest - len(one)) + [1] * len(one) for one in encoded])
    out = model.generate(
        ids, attention_mask=mask, do_sample=False, max_new_tokens=tokens, pad_token_id=handle.pad_id
    )
    return out[:, longest:].tolist()
