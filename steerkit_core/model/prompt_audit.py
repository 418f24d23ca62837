"""Prompt audit: what the model is really given, token by token, and which token is read.

A direction is read at a position, and a position means nothing until one knows which token stands there.
Nothing here needs the model's weights.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, cast

from steerkit_core.components import ModelAdapter
from steerkit_core.model.template import suffix_length, template_hash, template_ids
from steerkit_core.recipe.recipe import Setting
from steerkit_core.results.manifest import AuditExample, AuditPosition, PromptAudit, Token, TokenCount
from steerkit_core.values import Prompt

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def audit(
    tokenizer: PreTrainedTokenizerBase, adapter: ModelAdapter, settings: Iterable[Setting]
) -> PromptAudit:
    """The prompts of some configurations as one model gets them."""
    rendered = _Rendered(tokenizer, adapter)
    chosen = list(settings)
    prompts = {
        prompt.text: prompt
        for setting in chosen
        for prompt in (*_contrast(setting), *setting.evaluation.prompts, *setting.selection.prompts)
    }
    suffix = suffix_length(tokenizer, adapter)
    begins = Counter(rendered.leading_bos(prompt) for prompt in prompts.values())
    double = sum(count for number, count in begins.items() if number > 1)
    missing = begins[0] if rendered.adds_bos() else 0
    reads = {
        (setting.contrast.name, setting.extractor.name, position): _contrast(setting)
        for setting in chosen
        for position in setting.extractor.positions or range(-suffix, 0)
    }
    positions = tuple(
        AuditPosition(
            contrast=contrast,
            extractor=extractor,
            position=position,
            in_template=-position <= suffix,
            tokens=rendered.standing_at(position, group),
        )
        for (contrast, extractor, position), group in reads.items()
    )
    example = next(iter(prompts.values()), None)
    return PromptAudit(
        template_sha256=template_hash(tokenizer),
        suffix=suffix,
        example=None if example is None else rendered.spelt(example),
        prompts=len(prompts),
        double_bos=double,
        without_bos=missing,
        positions=positions,
        notes=tuple(_notes(positions, double, missing, len(prompts))),
    )


class _Rendered:
    """Prompts as token ids, each made once."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, adapter: ModelAdapter) -> None:
        self.tokenizer = cast("Any", tokenizer)
        self.adapter = adapter
        self.known: dict[str, list[int]] = {}

    def ids(self, prompt: Prompt) -> list[int]:
        if prompt.text not in self.known:
            self.known[prompt.text] = template_ids(self.tokenizer, self.adapter, prompt.text)
        return self.known[prompt.text]

    def text(self, token: int) -> str:
        """A token as it reads; part of a character as the vocabulary spells it."""
        text: str = self.tokenizer.decode([token])
        return self.tokenizer.convert_ids_to_tokens(token) if "\ufffd" in text else text

    def spelt(self, prompt: Prompt) -> AuditExample:
        tokens = tuple(Token(id=token, text=self.text(token)) for token in self.ids(prompt))
        return AuditExample(id=prompt.id, tokens=tokens)

    def leading_bos(self, prompt: Prompt) -> int:
        """With how many BOS tokens a prompt begins."""
        bos, count = self.tokenizer.bos_token_id, 0
        for token in self.ids(prompt):
            if bos is None or token != bos:
                break
            count += 1
        return count

    def adds_bos(self) -> bool:
        """Whether the tokenizer would begin a text with BOS if it were not told to add nothing."""
        bos = self.tokenizer.bos_token_id
        return bos is not None and self.tokenizer("a")["input_ids"][:1] == [bos]

    def standing_at(self, position: int, prompts: Sequence[Prompt]) -> tuple[TokenCount, ...]:
        """The tokens at a position, the commonest first, each with the number of prompts."""
        found = Counter(ids[position] for ids in map(self.ids, prompts) if len(ids) >= -position)
        return tuple(
            TokenCount(id=token, text=self.text(token), prompts=count)
            for token, count in found.most_common()
        )


def _contrast(setting: Setting) -> tuple[Prompt, ...]:
    return (*setting.contrast.positive, *setting.contrast.negative)


def _notes(positions: Sequence[AuditPosition], double: int, missing: int, total: int) -> list[str]:
    notes = []
    if double:
        notes.append(
            f"{double} of {total} prompts begin with two BOS tokens, on which no model was trained"
        )
    if missing:
        notes.append(
            f"{missing} of {total} prompts begin without the BOS token that the tokenizer would add"
        )
    for entry in positions:
        where = f"position {entry.position}, which extractor {entry.extractor!r} reads in"
        where += f" {entry.contrast}"
        if not entry.in_template:
            notes.append(f"{where}, lies in the user's text and not in the template behind it")
        elif len(entry.tokens) > 1:
            notes.append(f"{where}, holds {len(entry.tokens)} different tokens")
    return notes
