"""What the model wrote, and what a classifier says of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from attrs import field, frozen

from steerkit_core.values.prompts import Prompt

StopReason = Literal["eos", "length", "settled", "failed"]
# why a completion without any text failed
EMPTY = "the output is empty"


@frozen
class Completion:
    """What the model wrote for one prompt under one intervention.

    `tokens` counts the new tokens without the one that ended the text. `stop` is `eos` where the model
    ended it, `length` at the limit, `settled` where its verdict could not change any more. `error` says
    why a row failed, and such a row has no verdict. `score` is how likely the first token was one of those
    that the cell's classifier watches, as log p - log(1 - p); None where nothing was watched.
    """

    prompt: Prompt
    text: str
    tokens: int
    stop: StopReason
    error: str | None = None
    score: float | None = None


@frozen
class Verdict:
    """What a completion is, by which rule, and the piece of text that decided it.

    `spans` are the places in the text that decided, as (start, end) in characters, in order and without
    overlap; the first is that of `evidence`. A classifier that knows none leaves them empty. `scores` are
    numbers that a judge decided by, under names of its own. `asked` is what a judge that is a model was
    given, word for word.
    """

    label: str
    rule: str = ""
    evidence: str = ""
    spans: tuple[tuple[int, int], ...] = ()
    scores: Mapping[str, float] = field(factory=dict, hash=False)
    asked: str = ""
