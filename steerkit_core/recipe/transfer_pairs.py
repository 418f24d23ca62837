"""A recipe and a list of models -> the recipe of all transfers between them, and the pairs left out."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import tomlkit
from attrs import evolve

from steerkit_core.errors import Problem, RecipeError
from steerkit_core.plugin.registry import Registry
from steerkit_core.recipe.parsing import Recipe, Setting, load_recipe, parse_recipe

# what the transferred direction is asked for at, and the extractor's own word for the rest
PLACES = ("position", "module")
TRANSFER = "transfer"


def pair_recipe(
    path: Path,
    registry: Registry,
    models: Sequence[str],
    widths: Callable[[Setting], int],
    *,
    way: str = "none",
    changes: Sequence[str] = (),
) -> Recipe:
    """Every model with its own directions, and with those of every other one that they fit.

    The recipe's own model and extractor, and a grid over either, give way: models are those of the list,
    each with the other keys of `[model]`, and the extractor of `[extractor]` finds the
    directions in the source.

    Args:
        path: the recipe.
        registry: the installed components, an extractor `transfer` among them.
        models: their ids.
        widths: gives the hidden size of a setting's model.
        way: `none`, or the map that makes unequal widths fit.
        changes: as for `load_recipe`.

    Raises:
        RecipeError: the recipe is wrong, or the list of models is.
    """
    if len(models) < 2 or len(set(models)) < len(models):
        raise RecipeError(
            [
                Problem(
                    "--models", f"expected two models or more, each once, got {', '.join(models) or 'none'}"
                )
            ]
        )
    whole = load_recipe(path, registry, changes)
    base = _without_models(whole.document)
    if base["extractor"].get("use") == TRANSFER:
        raise RecipeError(
            [Problem("extractor.use", f"expected what finds the directions in a source, got {TRANSFER!r}")]
        )

    def settings(target: str, extractor: Mapping[str, Any]) -> tuple[Setting, ...]:
        document = copy.deepcopy(base)
        document["model"]["id"], document["extractor"] = target, dict(extractor)
        read = parse_recipe(tomlkit.dumps(document), registry, source=str(path), folder=path.parent)
        return read.settings

    own = {id_: _named(settings(id_, base["extractor"]), id_) for id_ in models}
    width = {id_: widths(found[0]) for id_, found in own.items()}
    chosen: list[Setting] = []
    excluded: list[dict[str, Any]] = []
    for target in models:
        chosen += own[target]
        for source in models:
            if source == target:
                continue
            if way == "none" and width[source] != width[target]:
                reason = f"hidden sizes {width[source]} and {width[target]} differ"
                excluded.append({"source": source, "target": target, "reason": reason})
                continue
            table = transfer_table(base["extractor"], source, base["model"], way)
            chosen += _named(settings(target, table), target, source)
    if len(chosen) == sum(map(len, own.values())):
        reasons = sorted({f"{pair['source']} and {pair['target']}: {pair['reason']}" for pair in excluded})
        raise RecipeError(
            [
                Problem(
                    "--models", f"no two fit, give --map ridge or --map procrustes ({'; '.join(reasons)})"
                )
            ]
        )
    asked = {"models": list(models), "map": way}
    head = f"# steerkit transfer --models {','.join(models)}" + ("" if way == "none" else f" --map {way}")
    return evolve(
        whole,
        settings=tuple(chosen),
        document={**whole.document, TRANSFER: asked},
        text=f"{head}\n{whole.text}",
        excluded=tuple(excluded),
    )


def transfer_table(
    extractor: Mapping[str, Any], source: str, model: Mapping[str, Any], way: str
) -> dict[str, Any]:
    """`[extractor]` for the directions that another extractor finds in `source`."""
    options = {key: value for key, value in extractor.items() if key not in ("use", "source", *PLACES)}
    table: dict[str, Any] = {
        "use": TRANSFER,
        "source_model": source,
        "method": extractor["use"],
        "map": way,
    }
    table |= {key: extractor[key] for key in (*PLACES, "source") if key in extractor}
    table["options"] = [f"{key}={tomlkit.item(value).as_string()}" for key, value in options.items()]
    kept = {"source_dtype": "dtype", "source_revision": "revision"}
    return table | {name: model[key] for name, key in kept.items() if key in model}


def _without_models(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document without a grid over models or extractors."""
    base = copy.deepcopy(dict(document))
    grid = {
        place: values
        for place, values in base.pop("grid", {}).items()
        if place.partition(".")[0] not in ("model", "extractor")
    }
    return cast("dict[str, Any]", base | ({"grid": grid} if grid else {}))


def _named(settings: Sequence[Setting], target: str, source: str | None = None) -> tuple[Setting, ...]:
    """The settings, saying which pair they are."""
    own = {"model.id": target} | ({} if source is None else {"extractor.source_model": source})
    return tuple(evolve(setting, overrides={**own, **setting.overrides}) for setting in settings)
