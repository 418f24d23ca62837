"""What is completed, what comes of it, and prompts as padded tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from attrs import frozen
from torch import Tensor

from steerkit_core.values import Intervention, Prompt, StopReason

PASS_TOKENS = 8192  # of all prompts that are read together, padding included


@frozen(eq=False)
class Row:
    """One completion to be made.

    `name` keys its random numbers, so that they depend on nothing else. `settled` tells of a text that
    whatever follows cannot change its verdict; the row then ends. After `enough` tokens it does so unasked.
    `watch` are token ids whose probability at the first new token is wanted.
    """

    prompt: Prompt
    intervention: Intervention
    name: str = ""
    settled: Callable[[str], bool] | None = None
    enough: int | None = None
    watch: tuple[int, ...] = ()


@frozen
class Written:
    """What was generated for a row: the tokens without the one that ended it.

    `score` is log p - log(1 - p) for the probability p that the first token is one of those watched.
    """

    token_ids: tuple[int, ...]
    stop: StopReason
    error: str | None = None
    score: float | None = None


def left_pad(
    sequences: Sequence[Sequence[int]], pad_id: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Token ids and attention mask, both (rows, longest), padded on the left."""
    longest = max(len(ids) for ids in sequences)
    ids = torch.full((len(sequences), longest), pad_id, dtype=torch.long)
    mask = torch.zeros((len(sequences), longest), dtype=torch.long)
    for row, sequence in enumerate(sequences):
        ids[row, longest - len(sequence) :] = torch.tensor(sequence)
        mask[row, longest - len(sequence) :] = 1
    return ids.to(device), mask.to(device)


def positions_of(mask: Tensor) -> Tensor:
    """Position ids from the mask, so that a padded prompt gets those that it would have alone."""
    return (mask.cumsum(dim=-1) - 1).clamp_min(0)


def read_together(sequences: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Indices of prompts that go through a model in one pass, the longest first."""
    order = sorted(range(len(sequences)), key=lambda index: -len(sequences[index]))
    while order:
        size = max(1, PASS_TOKENS // len(sequences[order[0]]))
        yield order[:size]
        order = order[size:]
