"""How likely a model is to begin its answer with given words, without writing one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from steerkit_core.errors import ModelError, NumericError
from steerkit_core.generation.opening_tokens import answer_tokens
from steerkit_core.generation.rows import left_pad, positions_of, read_together
from steerkit_core.values import Prompt

if TYPE_CHECKING:
    from steerkit_core.generation.decoder import Decoder


def answer_log_probs(model: Decoder, prompts: Sequence[Prompt], answers: Sequence[str]) -> Tensor:
    """See `Model.answer_log_probs`."""
    spelt = [answer_tokens(model, answer) for answer in answers]
    for answer, ways in zip(answers, spelt, strict=True):
        if not ways:
            raise ModelError(
                f"{answer!r} can begin no answer of {model.spec.id}: its tokenizer joins it"
                " with the template"
            )
    every = [tokens for ways in spelt for tokens in ways]
    encoded = [model.encode(prompt) for prompt in prompts]
    found = torch.empty(len(prompts), len(answers), dtype=torch.float64)
    for batch in read_together(encoded):
        each = _batch_log_probs(model, [encoded[index] for index in batch], every)
        parts = torch.split(each, [len(ways) for ways in spelt], dim=1)
        found[batch] = torch.stack([part.logsumexp(dim=1) for part in parts], dim=1)
    if not bool(torch.isfinite(found).all()):
        raise NumericError(f"the logits of {model.spec.id} are not finite in {model.dtype}")
    return found


@torch.inference_mode()
def _batch_log_probs(
    model: Decoder, encoded: Sequence[Sequence[int]], answers: Sequence[Sequence[int]]
) -> Tensor:
    """Log p that what follows a prompt begins with the tokens of an answer, for one batch of prompts.

    The prompts are read once; their keys and values are then copied for every answer, whose tokens are
    read with them. An answer's later tokens change nothing for its earlier ones, so that answers of unequal
    length are padded at the end.

    Args:
        model: the model, which nothing edits.
        encoded: token ids of the prompts.
        answers: token ids of the answers, none of them empty.

    Returns:
        float64, (prompts, answers), on the CPU.
    """
    ids, mask = left_pad(encoded, model.pad_id, model.device)
    position_ids = positions_of(mask)
    cache = model.new_cache()
    first = model.next_logits(ids, mask, position_ids, cache).double().log_softmax(dim=-1)
    opening = torch.tensor([answer[0] for answer in answers], device=model.device)
    found = first[:, opening]
    longest = max(len(answer) for answer in answers)
    if longest > 1:
        rows, each = len(encoded), len(answers)
        copies = torch.arange(rows, device=model.device).repeat_interleave(each)
        cache.batch_select_indices(copies)
        padded = [[*answer, *[answer[-1]] * (longest - len(answer))] for answer in answers]
        words = torch.tensor(padded, device=model.device).repeat(rows, 1)
        given = words[:, :-1]
        mask = torch.cat([mask[copies], mask.new_ones(given.shape)], dim=1)
        places = position_ids[copies, -1:] + torch.arange(1, longest, device=model.device)
        logits = model.next_logits(given, mask, places, cache, keep=longest - 1)
        later = logits.double().log_softmax(dim=-1).gather(-1, words[:, 1:, None]).squeeze(-1)
        lengths = torch.tensor([len(answer) for answer in answers], device=model.device).repeat(rows)
        counts = torch.arange(1, longest, device=model.device) < lengths[:, None]
        found = found + (later * counts).sum(dim=-1).view(rows, each)
    return found.cpu()
