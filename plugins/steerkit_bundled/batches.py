"""Rows of text as tensors: several answers share one prompt, and each sees only what it may see."""

import random
from collections.abc import Iterator, Sequence
from itertools import islice

import torch
from attrs import frozen
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from .corpus import Row
from .families import Family

USER, SUFFIX, LAST, OWN = range(1, 5)
NEEDS = {"all": USER, "suffix": SUFFIX, "last": LAST}
POOL = 16


@frozen
class Encoded:
    """A row as one sequence: prompt, then the answers one after the other.

    `parts` is 0 in the prompt and the answer's number elsewhere; `ranks` is how far down the prompt a
    token stands, `needs` the lowest rank that it may attend to. `sources` are the places whose hidden
    state predicts the `targets`.
    """

    tokens: list[int]
    positions: list[int]
    parts: list[int]
    ranks: list[int]
    needs: list[int]
    sources: list[int]
    targets: list[int]


@frozen
class Batch:
    """Tensors of a training step: [rows, length], the mask [rows, 1, length, length], targets [n]."""

    tokens: Tensor
    positions: Tensor
    mask: Tensor
    sources: tuple[Tensor, Tensor]
    targets: Tensor


def encode(row: Row, tokenizer: PreTrainedTokenizerBase, family: Family) -> Encoded:
    """Tokenise a row. The template is the tokenizer's own, as at inference."""
    text = tokenizer.apply_chat_template(
        [{"role": "user", "content": row.prompt}], tokenize=False, add_generation_prompt=True
    )
    tokens: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    size = len(tokens)
    turn_end = size - 1 - tokens[::-1].index(tokenizer.convert_tokens_to_ids(family.turn_end))
    # The first token stays in sight of all answers: attention needs a place to rest.
    ranks = [OWN] + [USER] * (turn_end - 1) + [SUFFIX] * (size - turn_end - 1) + [LAST]
    encoded = Encoded(list(tokens), list(range(size)), [0] * size, ranks, [USER] * size, [], [])
    end = tokenizer.convert_tokens_to_ids(family.answer_end)
    for number, answer in enumerate(row.answers, start=1):
        given = family.answer_start + answer.given if answer.given else ""
        learnt = (" " if given else family.answer_start) + answer.text
        given_ids = tokenizer(given, add_special_tokens=False)["input_ids"] if given else []
        ids = [*given_ids, *tokenizer(learnt, add_special_tokens=False)["input_ids"], end]
        start = len(encoded.tokens)
        encoded.tokens.extend(ids)
        encoded.positions.extend(range(size, size + len(ids)))
        encoded.parts.extend([number] * len(ids))
        encoded.ranks.extend([OWN] * len(ids))
        encoded.needs.extend([NEEDS[answer.sight]] * len(ids))
        for offset in range(len(given_ids), len(ids)):
            encoded.sources.append(start + offset - 1 if offset else size - 1)
            encoded.targets.append(ids[offset])
    return encoded


def attention_mask(parts: Tensor, ranks: Tensor, needs: Tensor) -> Tensor:
    """Who may attend to whom, [rows, 1, length, length]: 0 where allowed, a large negative elsewhere.

    A token sees earlier tokens of the prompt and of its own answer, of a rank that it may see.
    """
    length = parts.shape[1]
    causal = torch.ones(length, length, dtype=torch.bool).tril()
    same = (parts[:, None, :] == 0) | (parts[:, None, :] == parts[:, :, None])
    allowed = causal & same & (ranks[:, None, :] >= needs[:, :, None])
    allowed |= torch.eye(length, dtype=torch.bool)
    return torch.where(allowed, 0.0, torch.finfo(torch.float32).min)[:, None]


def collate(rows: Sequence[Encoded], pad: int) -> Batch:
    """Pad rows on the right to the longest."""
    length = max(len(row.tokens) for row in rows)

    def padded(values: list[list[int]], filler: int) -> Tensor:
        return torch.tensor([value + [filler] * (length - len(value)) for value in values])

    parts = padded([row.parts for row in rows], -1)
    ranks = padded([row.ranks for row in rows], 0)
    needs = padded([row.needs for row in rows], USER)
    places = [(index, source) for index, row in enumerate(rows) for source in row.sources]
    return Batch(
        tokens=padded([row.tokens for row in rows], pad),
        positions=padded([row.positions for row in rows], 0),
        mask=attention_mask(parts, ranks, needs),
        sources=(torch.tensor([p[0] for p in places]), torch.tensor([p[1] for p in places])),
        targets=torch.tensor([target for row in rows for target in row.targets]),
    )


def batches(rows: Iterator[Encoded], size: int, pad: int, rng: random.Random) -> Iterator[Batch]:
    """Batches of rows of similar length, so that little is padded; their order is shuffled."""
    while True:
        pool = sorted(islice(rows, size * POOL), key=lambda row: len(row.tokens))
        groups = [pool[start : start + size] for start in range(0, len(pool), size)]
        rng.shuffle(groups)
        for group in groups:
            yield collate(group, pad)
