"""Qwen 2, 2.5 and 3, dense."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from attrs import frozen

from steerkit_core import FamilyDefaults
from steerkit_families.layout import CommonLayout

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from transformers import PreTrainedConfig, PreTrainedTokenizerBase


LARGE = 14_000_000_000


@frozen(kw_only=True)
class Qwen(CommonLayout):
    """Qwen 2, 2.5 and 3; a thinking model is asked to answer at once."""

    name: ClassVar[str] = "qwen"
    defaults: ClassVar[FamilyDefaults] = FamilyDefaults(refusal_openings=("I", "As"))

    def serves(self, config: PreTrainedConfig) -> bool:
        """Model types qwen2 (which 2.5 uses too) and qwen3."""
        return config.model_type in ("qwen2", "qwen3")

    def depth(self, parameters: int) -> float:
        """60 percent, and 50 from 14 billion parameters on (layer profiles of Mohammad, 2026)."""
        return 0.5 if parameters >= LARGE else 0.6

    def render_turns(self, tokenizer: PreTrainedTokenizerBase, turns: Sequence[Mapping[str, str]]) -> str:
        """The chat template with thinking switched off.

        A thinking model opens with a block that is not the answer, and would spend the whole token limit
        on it. Templates that know no `enable_thinking`, as those of Qwen 2 and 2.5, ignore it.
        """
        return cast(
            "str",
            tokenizer.apply_chat_template(
                [dict(turn) for turn in turns],
                tokenize=False,
                add_generation_prompt=True,
                enable_thinking=False,
            ),
        )
