"""The model of a group: read by the installed adapters, loaded, and its memory given back."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from steerkit_core.components import ModelAdapter
from steerkit_core.plugin.registry import Registry
from steerkit_core.recipe.plan import Group

if TYPE_CHECKING:
    from steerkit_core.model.handle import ModelHandle


def adapters_of(registry: Registry) -> list[ModelAdapter]:
    """The installed model adapters, in the order in which they are asked.

    Raises:
        UnknownComponent: two plugins bring an adapter of one name.
    """
    word = "model adapter"
    found = [cast("ModelAdapter", registry.get(word, name)()) for name in registry.names(word)]
    return sorted(found, key=lambda adapter: (-adapter.priority, adapter.name))


def release_memory() -> None:
    """Give back what models that nobody holds any more have left behind."""
    import gc

    import torch

    gc.collect()  # modules and their hooks refer to each other
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def load_model(group: Group, registry: Registry) -> ModelHandle:
    """The group's model: by the first plugin that loads it, else by the core."""
    from steerkit_core.model.loading import load_pretrained

    adapters = adapters_of(registry)
    found = registry.host.first(
        "steerkit_load_model", spec=group.spec, adapters=adapters, folder=group.folder
    )
    if found is not None:
        return cast("ModelHandle", found)
    return load_pretrained(group.spec, adapters, folder=group.folder)
