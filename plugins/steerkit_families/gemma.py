"""Gemma 1 and 2, and the text side of Gemma 3."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from attrs import frozen

from steerkit_core import FamilyDefaults, ModelError
from steerkit_families.layout import CommonLayout

if TYPE_CHECKING:
    from collections.abc import Mapping

    from transformers import PreTrainedConfig


@frozen(kw_only=True)
class Gemma(CommonLayout):
    """Gemma 1 to 3: larger residual norms than its peers, eager attention, and never float16."""

    name: ClassVar[str] = "gemma"
    defaults: ClassVar[FamilyDefaults] = FamilyDefaults(multiplier=25.0)

    def serves(self, config: PreTrainedConfig) -> bool:
        """Model types gemma, gemma2, gemma3_text, and gemma3 whose language model is steered."""
        return config.model_type in ("gemma", "gemma2", "gemma3", "gemma3_text")

    def depth(self, parameters: int) -> float:
        """35 percent: 30 to 40 were best at 2 and 9 billion parameters (Mohammad, 2026, layer profiles)."""
        return 0.35

    def load_options(self, config: PreTrainedConfig) -> Mapping[str, object]:
        """Eager attention for Gemma 2: the faster kernels leave out the soft cap of its logits."""
        return {"attn_implementation": "eager"} if config.model_type == "gemma2" else {}

    def dtype(self, wanted: str, device: str) -> str:
        """As in every family, but without float16.

        Raises:
            ModelError: float16 was asked for.
        """
        if wanted == "float16":
            raise ModelError(
                "gemma overflows in float16, whose largest number is 65504: set model.dtype to bfloat16 or"
                " float32"
            )
        return super().dtype(wanted, device)
