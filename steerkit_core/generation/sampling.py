"""The next token of every row: the likeliest, or one that is drawn."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor

from steerkit_core.generation.rows import Row
from steerkit_core.recipe.options import GenerationOptions


class Chooser:
    """Choose the next token of every row: the likeliest, or one sampled with the row's own generator."""

    def __init__(self, rows: Sequence[Row], options: GenerationOptions, seed: int) -> None:
        self.options = options
        self.generators: list[torch.Generator] = []
        if options.temperature > 0:
            self.generators = [torch.Generator().manual_seed(row_seed(seed, row)) for row in rows]

    def __call__(self, logits: Tensor, alive: Sequence[int]) -> tuple[list[int], list[bool]]:
        """Token ids and health of the rows, for logits of shape (rows, vocabulary)."""
        top = logits.max(dim=-1)
        # a NaN anywhere in a row is its maximum, and +inf is too: one look at the maximum finds both
        healthy = cast("list[bool]", torch.isfinite(top.values).tolist())
        if not self.generators:
            return cast("list[int]", top.indices.tolist()), healthy
        chosen = [
            sample(logits[place], self.options, self.generators[row]) if healthy[place] else 0
            for place, row in enumerate(alive)
        ]
        return chosen, healthy


def row_seed(seed: int, row: Row) -> int:
    """A seed of 63 bits from the run's seed, the row's name and its prompt."""
    text = f"{seed}\n{row.name}\n{row.prompt.id}\n{row.prompt.text}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def sample(logits: Tensor, options: GenerationOptions, generator: torch.Generator) -> int:
    """One token from the nucleus of the tempered distribution; `logits` has shape (vocabulary,)."""
    probabilities = (logits.double().cpu() / options.temperature).softmax(dim=-1)
    ranked, indices = probabilities.sort(descending=True)
    # a token belongs to the nucleus if those before it do not yet reach top_p; the first always does
    ranked[ranked.cumsum(dim=-1) - ranked >= options.top_p] = 0.0
    return int(indices[torch.multinomial(ranked, 1, generator=generator)])
