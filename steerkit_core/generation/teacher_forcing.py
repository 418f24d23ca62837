"""Teacher forcing: the logits along a given answer, under interventions, token by token."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from steerkit_core.generation.batch_edits import edits_of_batch
from steerkit_core.generation.conditions import conditioned
from steerkit_core.generation.rows import left_pad, positions_of
from steerkit_core.values import Intervention, Prompt

if TYPE_CHECKING:
    from steerkit_core.generation.decoder import Decoder

TOKENS = 8192  # of all rows of a pass together, padding included
LOGITS = 2**27  # numbers in the logits of a pass


@torch.inference_mode()
def logits_along(
    model: Decoder, rows: Sequence[tuple[Prompt, Intervention]], answers: Sequence[Sequence[int]]
) -> Iterator[tuple[int, Tensor]]:
    """The logits of each of an answer's tokens, and of the one that follows it, the answer being given.

    Prompts are read as in generation, and an answer's tokens as tokens that were written: an intervention
    edits of both what its span of tokens says.

    Args:
        model: the model.
        rows: a prompt and how it is steered.
        answers: for each row the token ids of an answer; with none of them only its first token is looked
            at.

    Yields:
        (index into `rows`, float32, (length of the answer + 1, vocabulary)), in any order.
    """
    ways = conditioned(model, rows)
    encoded = [model.encode(prompt) for prompt, _ in rows]
    lengths = [len(ids) + len(answer) for ids, answer in zip(encoded, answers, strict=True)]
    order = sorted(range(len(rows)), key=lambda index: -lengths[index])
    longest = max(map(len, answers), default=0)
    many = max(1, LOGITS // ((longest + 1) * int(model.config.vocab_size)))
    while order:
        size = max(1, min(many, TOKENS // lengths[order[0]]))
        batch, order = order[:size], order[size:]
        found = _along(
            model,
            [encoded[index] for index in batch],
            [answers[index] for index in batch],
            [ways[index] for index in batch],
        )
        for place, index in enumerate(batch):
            yield index, found[place, : len(answers[index]) + 1].float()


def _along(
    model: Decoder,
    encoded: Sequence[Sequence[int]],
    answers: Sequence[Sequence[int]],
    ways: Sequence[Intervention],
) -> Tensor:
    """The logits of one batch, (rows, longest answer + 1, vocabulary); noise behind an answer's end."""
    ids, mask = left_pad(encoded, model.pad_id, model.device)
    position_ids, cache = positions_of(mask), model.new_cache()
    edits = edits_of_batch(model, ways, "prompt")
    first = model.next_logits(ids, mask, position_ids, cache, edits).unsqueeze(1)
    longest = max(map(len, answers))
    if not longest:
        return first
    # padded at the end, where nothing that is looked at sees it
    padded = [[*answer, *[model.pad_id] * (longest - len(answer))] for answer in answers]
    words = torch.tensor(padded, device=model.device)
    mask = torch.cat([mask, mask.new_ones(words.shape)], dim=1)
    places = position_ids[:, -1:] + torch.arange(1, longest + 1, device=model.device)
    edits = edits_of_batch(model, ways, "generated")
    later = model.next_logits(words, mask, places, cache, edits, keep=longest)
    return torch.cat([first, later], dim=1)
