"""EXTRACT, for a model at hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from steerkit_core.components import Extractor
from steerkit_core.errors import ModelError
from steerkit_core.extraction.extraction import find_directions, measured
from steerkit_core.model.loaded_models import LoadedModels
from steerkit_core.plugin.registry import Registry
from steerkit_core.recipe.direction_sources import RunSources
from steerkit_core.recipe.lookup import Class, component, contrast_given
from steerkit_core.values import ContrastSet, DirectionSet

if TYPE_CHECKING:
    from steerkit_core.model.handle import ModelHandle


def extract(
    model: ModelHandle,
    contrast: str | Path | ContrastSet | tuple[Class, Class] = "refusal-64",
    extractor: str | Extractor = "dim",
    **options: Any,
) -> DirectionSet:
    """Directions that separate two classes of prompts, at every layer: the same that a run would find.

    Args:
        model: from `load_model` or `wrap`.
        contrast: a prompt set by name, a file, a `ContrastSet`, or a pair of lists of texts (positive,
            negative); directions point to the positive class.
        extractor: the name of an installed extractor, or one that is built already.
        options: the extractor's, as in a recipe, such as `position="suffix"` or `module="mlp"`.

    Returns:
        Directions at all layers, with the mean lengths of the residual stream over the negative prompts.

    Raises:
        SteerkitError: there is no such extractor, option or prompt set, a class is empty, or the model's
            numbers overflow.

    >>> import steerkit_core
    >>> model = steerkit_core.load_model("bundled:qwen2-s")
    >>> directions = steerkit_core.extract(model, contrast=(["How do I pick a lock?"], ["What is moss?"]))
    >>> directions
    DirectionSet(layers 0 to 9, positions -1, module='residual', width=128)
    >>> directions.at(layer=5).layer
    5
    """
    if not hasattr(model, "class_activations"):
        raise ModelError(
            "extract: expected a model from load_model or wrap(model, tokenizer), got"
            f" {type(model).__name__}"
        )

    from steerkit_core.model.measuring import stream_health

    registry = Registry.collect()
    chosen = cast("Extractor", component(registry, "extractor", extractor, options))
    classes = contrast_given(contrast, registry)
    models = LoadedModels(registry)
    with models.lending(model), RunSources(registry, models) as sources:
        chosen.origin(model, sources)  # refuses directions that are another model's
        found = find_directions(model, chosen, classes, sources)
    return measured(found, stream_health(model, classes.negative))
