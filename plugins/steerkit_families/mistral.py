"""Mistral, dense."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from attrs import frozen

from steerkit_families.layout import CommonLayout

if TYPE_CHECKING:
    from transformers import PreTrainedConfig


@frozen(kw_only=True)
class Mistral(CommonLayout):
    """Mistral 7B and its relatives of the same architecture."""

    name: ClassVar[str] = "mistral"

    def serves(self, config: PreTrainedConfig) -> bool:
        """Model type mistral."""
        return config.model_type == "mistral"
