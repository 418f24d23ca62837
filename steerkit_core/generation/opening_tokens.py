"""With which tokens an answer can begin, as they stand behind the chat template."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from steerkit_core.errors import ModelError
from steerkit_core.values import Prompt

if TYPE_CHECKING:
    from steerkit_core.generation.decoder import Decoder

_PROMPT = Prompt("probe", "a")


def answer_tokens(model: Decoder, answer: str) -> tuple[tuple[int, ...], ...]:
    """An answer as tokens behind the template: as it stands, and with a space before it.

    Families differ in which of the two their templates write. An entry that the tokenizer would join with
    the template is left out.
    """
    rendered = model.render(_PROMPT)
    return _behind_template(model, (rendered + answer, f"{rendered} {answer}"))


def refusal_tokens(model: Decoder, openings: Sequence[str] = ()) -> tuple[int, ...]:
    """The first tokens of answers that begin with these words; by default with those of the family.

    An answer's first word is encoded as it stands in a conversation: behind the template, and as the
    template itself writes an answer, which puts a space before it in some families.

    Raises:
        ModelError: none of them can begin an answer.
    """
    rendered = model.render(_PROMPT)
    openings = openings or model.adapter.defaults.refusal_openings
    found: dict[int, None] = {}
    for opening in openings:
        turns = [{"role": "user", "content": _PROMPT.text}, {"role": "assistant", "content": opening}]
        whole = cast("str", model.tokenizer.apply_chat_template(turns, tokenize=False))
        for tokens in _behind_template(model, (rendered + opening, whole)):
            found[tokens[0]] = None
    if not found:
        raise ModelError(
            f"none of {', '.join(map(repr, openings))} can begin an answer of {model.spec.id}: its"
            " tokenizer joins them with the template"
        )
    return tuple(found)


def _behind_template(model: Decoder, texts: Sequence[str]) -> tuple[tuple[int, ...], ...]:
    """The tokens of each text that follow those of the rendered prompt; none where they are joined."""
    known = model.encode(_PROMPT)
    found: dict[tuple[int, ...], None] = {}
    for text in texts:
        whole = tuple(cast("list[int]", model.tokenizer(text, add_special_tokens=False)["input_ids"]))
        if whole[: len(known)] == known and len(whole) > len(known):
            found[whole[len(known) :]] = None
    return tuple(found)
