"""Which device and which adapter a model is loaded with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from steerkit_core.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transformers import PreTrainedConfig

    from steerkit_core.components import ModelAdapter


def choose_device(wanted: str) -> str:
    """The device to load on; `auto` takes a GPU where there is one.

    Raises:
        ModelError: there is no such device here; the message lists those there are.
    """
    devices = _devices()
    if wanted == "auto":
        return "cuda" if "cuda" in devices else "cpu"
    if wanted not in devices:
        raise ModelError(f"there is no device {wanted!r} here (available: {', '.join(devices)})")
    return wanted


def _devices() -> tuple[str, ...]:
    """Every name that a device of this machine goes by."""
    found = ["cpu"]
    if torch.cuda.is_available():
        found += ["cuda", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
    if torch.backends.mps.is_available():
        found.append("mps")
    return tuple(found)


def choose_adapter(config: PreTrainedConfig, adapters: Sequence[ModelAdapter]) -> ModelAdapter:
    """The adapter of the highest priority that serves `config`; among equals, the first by name.

    Raises:
        ModelError: none does; the message lists those that were asked.
    """
    ordered = sorted(adapters, key=lambda adapter: (-adapter.priority, adapter.name))
    for adapter in ordered:
        if adapter.serves(config):
            return adapter
    asked = ", ".join(adapter.name for adapter in ordered) or "none is installed"
    raise ModelError(
        f"no model adapter serves the architecture {config.model_type!r} (asked: {asked}): install a plugin"
        " that brings one"
    )
