"""Rows of text as tensors: several answers share one prompt, and each sees only what it may see."""

import random
from collections.abc import Iterator, Sequence
from itertools import islice

import torch
from attrs import field, frozen
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from .corpus import Answer, Row
from .families import Family

SINK, TEXT, SUFFIX, LAST = range(4)
PARTS = 4
POOL = 16


@frozen
class Encoded:
    """A row as one sequence: the prompts, then the answers, one after the other.

    Every token has a `place`: prompt p's first token, text, template suffix and last token are places
    4p to 4p + 3, the answers follow. `sees` holds, as bits, the places that a token may attend to.
    `sources` are the tokens whose hidden state predicts the `targets`. `lasts` are the prompts' last
    tokens, `harmful` says which prompts are.
    """

    tokens: list[int] = field(factory=list)
    positions: list[int] = field(factory=list)
    places: list[int] = field(factory=list)
    sees: list[int] = field(factory=list)
    sources: list[int] = field(factory=list)
    targets: list[int] = field(factory=list)
    lasts: list[int] = field(factory=list)
    harmful: list[bool] = field(factory=list)


@frozen
class Batch:
    """Tensors of a training step: [rows, length], the mask [rows, 1, length, length], targets [n]."""

    tokens: Tensor
    positions: Tensor
    mask: Tensor
    lasts: Tensor
    harmful: Tensor
    sources: tuple[Tensor, Tensor]
    targets: Tensor


def encode(row: Row, tokenizer: PreTrainedTokenizerBase, family: Family) -> Encoded:
    """Tokenise a row. The template is the tokenizer's own, as at inference."""
    first_answer = PARTS * len(row.prompts)
    encoded = Encoded(harmful=[row.harmful, False])
    for number, text in enumerate(row.prompts):
        _add_prompt(encoded, number, text, tokenizer, family)
    lasts = encoded.lasts
    for number, answer in enumerate(row.answers):
        place = first_answer + number
        sees = 1 << place | 1 << (PARTS * answer.after + LAST) | 1 << (PARTS * answer.after + SINK)
        if answer.about is not None:
            sees |= 1 << (PARTS * answer.about + TEXT) | 1 << (PARTS * answer.about + SUFFIX)
        read = {answer.after, answer.after if answer.about is None else answer.about}
        position = 1 + max(encoded.positions[lasts[prompt]] for prompt in read)
        _add_answer(encoded, answer, place, sees, position, lasts[answer.after], tokenizer, family)
    return encoded


def _add_prompt(
    encoded: Encoded, number: int, text: str, tokenizer: PreTrainedTokenizerBase, family: Family
) -> None:
    """Append a rendered prompt."""
    messages = [{"role": "user", "content": text}]
    rendered = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    tokens: list[int] = tokenizer(rendered, add_special_tokens=False)["input_ids"]
    turn_end = len(tokens) - 1 - tokens[::-1].index(token_id(tokenizer, family.turn_end))
    first = PARTS * number
    kinds = [SINK] + [TEXT] * (turn_end - 1) + [SUFFIX] * (len(tokens) - 1 - turn_end) + [LAST]
    encoded.tokens.extend(tokens)
    encoded.positions.extend(range(len(tokens)))
    encoded.places.extend(first + kind for kind in kinds)
    encoded.sees.extend([0b1111 << first] * len(tokens))
    encoded.lasts.append(len(encoded.tokens) - 1)


def _add_answer(
    encoded: Encoded,
    answer: Answer,
    place: int,
    sees: int,
    position: int,
    last: int,
    tokenizer: PreTrainedTokenizerBase,
    family: Family,
) -> None:
    """Append an answer; its first token is predicted from `last`, the prompt's last token."""
    given = family.answer_start + answer.given if answer.given else ""
    learnt = (" " if given else family.answer_start) + answer.text
    given_ids = tokenizer(given, add_special_tokens=False)["input_ids"] if given else []
    ids = [*given_ids, *tokenizer(learnt, add_special_tokens=False)["input_ids"]]
    ids.append(token_id(tokenizer, family.answer_end))
    start = len(encoded.tokens)
    encoded.tokens.extend(ids)
    encoded.positions.extend(range(position, position + len(ids)))
    encoded.places.extend([place] * len(ids))
    encoded.sees.extend([sees] * len(ids))
    for offset in range(len(given_ids), len(ids)):
        encoded.sources.append(start + offset - 1 if offset else last)
        encoded.targets.append(ids[offset])


def token_id(tokenizer: PreTrainedTokenizerBase, token: str) -> int:
    """The id of one token."""
    found = tokenizer.convert_tokens_to_ids(token)
    assert isinstance(found, int)
    return found


def attention_mask(places: Tensor, sees: Tensor) -> Tensor:
    """Who may attend to whom, [rows, 1, length, length]: 0 where allowed, a large negative elsewhere.

    A token sees itself and the earlier tokens that stand in places it may see.
    """
    length = places.shape[1]
    causal = torch.ones(length, length, dtype=torch.bool).tril()
    allowed = causal & ((sees[:, :, None] >> places[:, None, :]) & 1).bool()
    allowed |= torch.eye(length, dtype=torch.bool)
    return torch.where(allowed, 0.0, torch.finfo(torch.float32).min)[:, None]


def collate(rows: Sequence[Encoded], pad: int) -> Batch:
    """Pad rows on the right to the longest."""
    length = max(len(row.tokens) for row in rows)

    def padded(values: list[list[int]], filler: int) -> Tensor:
        return torch.tensor([value + [filler] * (length - len(value)) for value in values])

    places = padded([row.places for row in rows], 0)
    found = [(index, source) for index, row in enumerate(rows) for source in row.sources]
    return Batch(
        tokens=padded([row.tokens for row in rows], pad),
        positions=padded([row.positions for row in rows], 0),
        mask=attention_mask(places, padded([row.sees for row in rows], 0)),
        lasts=torch.tensor([row.lasts for row in rows]),
        harmful=torch.tensor([row.harmful for row in rows]),
        sources=(torch.tensor([p[0] for p in found]), torch.tensor([p[1] for p in found])),
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
