"""How many rows are generated together: measured, not guessed."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from steerkit_core.generation.rows import left_pad, positions_of

if TYPE_CHECKING:
    from steerkit_core.generation.decoder import Decoder

FIRST = 16
MOST = 512
WORTH = 0.95
PATIENCE = 2
TIMED_STEPS = 3
PROBED = 8
SEARCH_SHARE = 0.1
MEMORY_SHARE = 0.4


def out_of_memory(error: Exception) -> bool:
    """Whether torch ran out of a device's memory; for a CPU there is no exception class."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def find_batch_rows(model: Decoder, encoded: Sequence[Sequence[int]], new_tokens: int) -> int:
    """The size beyond which a row gets no cheaper: doubled until two sizes in a row save too little.

    One alone may be slow for another reason, as where other processes want the device. The search ends
    where its next step would take a tenth of the time that all rows will take.

    Args:
        model: the loaded model.
        encoded: the prompts of all rows as token ids, the longest first.
        new_tokens: how many tokens a row will have at most.
    """
    # beyond MOST there is little to gain, and memory would grow with the number of cells
    most = min(len(encoded), MOST, memory_rows(model, len(encoded[0]) + new_tokens))
    size = min(FIRST, most)
    chosen, best, in_vain = 1, float("inf"), 0
    while True:
        try:
            # a prompt's pass is as long in any batch; what grows cheaper is the steps
            cost = row_seconds(model, [ids[-PROBED:] for ids in encoded[:size]], new_tokens)
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
            return chosen
        if cost < WORTH * best:
            chosen, best, in_vain = size, cost, 0
        else:
            in_vain += 1
        # twice as many rows, each of whose tokens costs a step at most
        next_try = 2 * size * best * (PROBED + 2 + TIMED_STEPS) / new_tokens
        too_long = next_try > SEARCH_SHARE * len(encoded) * best
        if size == most or in_vain == PATIENCE or too_long:
            return chosen
        size = min(2 * size, most)


@torch.inference_mode()
def row_seconds(model: Decoder, encoded: Sequence[Sequence[int]], new_tokens: int) -> float:
    """Seconds that the steps of a row take in a batch of these prompts, from a few of them."""
    ids, mask = left_pad(encoded, model.pad_id, model.device)
    position_ids = positions_of(mask)
    cache = model.new_cache()
    seconds: list[float] = []
    for _ in range(2 + TIMED_STEPS):
        _synchronize(model.device)
        begun = time.perf_counter()
        best = model.next_logits(ids, mask, position_ids, cache).argmax(dim=-1)
        _synchronize(model.device)
        seconds.append(time.perf_counter() - begun)
        ids = best.unsqueeze(1)
        mask = torch.cat([mask, mask.new_ones(len(encoded), 1)], dim=1)
        position_ids = position_ids[:, -1:] + 1
    # the second pass is the first step, and pays for what is made only once
    return new_tokens * min(seconds[2:]) / len(encoded)


def memory_rows(model: Decoder, tokens: int) -> int:
    """How many rows of `tokens` tokens the free memory holds, with a margin; at least one.

    Counted are keys and values, and the logits of one token in float32.
    """
    config = model.config
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    head_size = getattr(config, "head_dim", None) or model.hidden_size // config.num_attention_heads
    cache = 2 * model.num_layers * heads * head_size * tokens * model.stream_dtype.itemsize
    return max(1, int(MEMORY_SHARE * free_memory(model.device) / (cache + 8 * config.vocab_size)))


def free_memory(device: torch.device) -> int:
    """Bytes that are free on a device."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    if hasattr(os, "sysconf") and "SC_AVPHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")
    return 4 * 2**30


def _synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
