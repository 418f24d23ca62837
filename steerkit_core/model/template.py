"""What is known of a chat template: its hash, and what it puts behind the user's text."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, cast

from steerkit_core.components import ModelAdapter

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# of unlike kinds, so that no token at the end of the user's text is taken for one of the template's
_PROBES = ("a", "7", "?", "\u00e9")


def suffix_length(tokenizer: PreTrainedTokenizerBase, adapter: ModelAdapter) -> int:
    """How many tokens at a prompt's end are the same whatever the user's text ends with."""
    endings = [template_ids(tokenizer, adapter, text)[::-1] for text in _PROBES]
    length = 0
    for tokens in zip(*endings, strict=False):
        if len(set(tokens)) > 1:
            break
        length += 1
    return length


def template_ids(tokenizer: PreTrainedTokenizerBase, adapter: ModelAdapter, text: str) -> list[int]:
    """Token ids of a request in the chat template, which has written every special token already."""
    rendered = adapter.render(tokenizer, text)
    return cast("list[int]", tokenizer(rendered, add_special_tokens=False)["input_ids"])


def template_hash(tokenizer: PreTrainedTokenizerBase) -> str:
    """SHA-256 of the chat template; of all of them, as JSON, where the tokenizer has several."""
    template = cast("Any", tokenizer).chat_template
    text = template if isinstance(template, str) else json.dumps(template, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
