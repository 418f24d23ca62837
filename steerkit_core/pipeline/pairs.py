"""The pairs of models that a recipe asks for, whose widths decide which are left out."""

from __future__ import annotations

from steerkit_core.plugin.registry import Registry
from steerkit_core.recipe.compatibility import find_model
from steerkit_core.recipe.recipe import Recipe, Setting
from steerkit_core.recipe.transfer_pairs import with_pairs


def paired(recipe: Recipe, registry: Registry) -> Recipe:
    """The recipe with the configurations of all pairs; one without `[transfer]` stays as it is.

    A model's hidden size is read from its folder, else from its configuration on the hub.

    Raises:
        SteerkitError: the recipe does not fit a model, no pair has one width, or a model is not there.
    """

    def width(setting: Setting) -> int:
        folder, facts = find_model(setting.model, registry)
        if facts is not None and facts.hidden_size is not None:
            return facts.hidden_size
        from steerkit_core.model.loading import hidden_size

        return hidden_size(setting.model, folder=folder)

    return with_pairs(recipe, registry, width)
