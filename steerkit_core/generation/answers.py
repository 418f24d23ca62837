"""How likely a model is to begin its answer with given words, without writing one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from steerkit_core.generation.rows import left_pad, positions_of

if TYPE_CHECKING:
    from steerkit_core.generation.decoder import Decoder


@torch.inference_mode()
def answer_log_probs(
    model: Decoder, encoded: Sequence[Sequence[int]], answers: Sequence[Sequence[int]]
) -> Tensor:
    """Find log p that what follows a prompt begins with the tokens of an answer.

    The prompts are read once; their keys and values are then copied for every answer, whose tokens are
    read with them. An answer's later tokens change nothing for its earlier ones, so that answers of unequal
    length are padded at the end.

    Args:
        model: the model, unsteered.
        encoded: token ids of the prompts, which make up one batch.
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


def answer_tokens(model: Decoder, answer: str) -> tuple[tuple[int, ...], ...]:
    """An answer as tokens behind the template: as it stands, and with a space before it.

    Families differ in which of the two their templates write. An entry that the tokenizer would join with
    the template is left out.
    """

    def ids(text: str) -> tuple[int, ...]:
        return tuple(model.tokenizer(text, add_special_tokens=False)["input_ids"])

    rendered = model.adapter.render(model.tokenizer, "a")
    known = ids(rendered)
    found: dict[tuple[int, ...], None] = {}
    for text in (rendered + answer, f"{rendered} {answer}"):
        whole = ids(text)
        if whole[: len(known)] == known and len(whole) > len(known):
            found[whole[len(known) :]] = None
    return tuple(found)
