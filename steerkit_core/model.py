"""ModelHandle: the narrow door through which plugins reach a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from steerkit_core.components import ModelAdapter
    from steerkit_core.options import ModelSpec


@frozen(eq=False)
class ModelHandle:
    """A loaded model; `fingerprint` identifies its weights, tokenizer and template by content or commit."""

    spec: ModelSpec
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    adapter: ModelAdapter
    dtype: str
    fingerprint: str
    revision: str
