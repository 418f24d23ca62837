"""What the logits of a token say: whether a refusal begins, and how far two distributions are apart."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from steerkit_core.generation.rows import Row


def refusal_score(logits: Tensor, tokens: Sequence[int]) -> Tensor:
    """`log p(R) - log(1 - p(R))` for logits of shape (rows, vocabulary); R are the refusal `tokens`.

    Arditi et al. (2024), section 2.4. Returns shape (rows,), float64.
    """
    wide = logits.double()
    refusing = torch.zeros(wide.shape[-1], dtype=torch.bool, device=wide.device)
    refusing[list(tokens)] = True
    # a ratio of two sums over the same softmax: its normalizer cancels, and 1 - p never loses its digits
    return wide[:, refusing].logsumexp(dim=-1) - wide[:, ~refusing].logsumexp(dim=-1)


def kl_divergence(plain: Tensor, other: Tensor) -> Tensor:
    """`KL(p || q)` in nats, for the distributions p and q of the logits `plain` and `other`.

    Both have shape (..., vocabulary), or shapes that broadcast. Returns shape (...), float64.
    """
    p, q = (logits.double().log_softmax(dim=-1) for logits in (plain, other))
    return (p.exp() * (p - q)).sum(dim=-1)


def first_scores(rows: Sequence[Row], logits: Tensor) -> list[float | None]:
    """The refusal score of every row that watches tokens, for logits of shape (rows, vocabulary)."""
    found: list[float | None] = [None] * len(rows)
    watching: dict[tuple[int, ...], list[int]] = {}
    for place, row in enumerate(rows):
        if row.watch:
            watching.setdefault(row.watch, []).append(place)
    for tokens, places in watching.items():
        for place, score in zip(places, refusal_score(logits[places], tokens).tolist(), strict=True):
            found[place] = score
    return found
