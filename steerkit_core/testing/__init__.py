"""The kit for authors of plugins: tiny models of real families, and contract tests for every kind.

The contract classes need pytest, which is imported when one of them is first asked for.
"""

from typing import TYPE_CHECKING, Any

from steerkit_core.testing.families import FAMILIES
from steerkit_core.testing.installed import installed_adapters, installed_registry
from steerkit_core.testing.prompts import KitContrast, KitNeutral
from steerkit_core.testing.small_run import small_run
from steerkit_core.testing.tiny import TinyModels, save_tiny, tiny_handle, tiny_model, tiny_tokenizer

if TYPE_CHECKING:
    from steerkit_core.testing.contracts import (
        ClassifierContract,
        ExtractorContract,
        LayerSelectorContract,
        ModelAdapterContract,
        PromptSetContract,
        SiteContract,
    )

__all__ = [
    "FAMILIES",
    "ClassifierContract",
    "ExtractorContract",
    "KitContrast",
    "KitNeutral",
    "LayerSelectorContract",
    "ModelAdapterContract",
    "PromptSetContract",
    "SiteContract",
    "TinyModels",
    "installed_adapters",
    "installed_registry",
    "save_tiny",
    "small_run",
    "tiny_handle",
    "tiny_model",
    "tiny_tokenizer",
]


def __getattr__(name: str) -> Any:
    if name.endswith("Contract") and name in __all__:
        from steerkit_core.testing import contracts

        return getattr(contracts, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
