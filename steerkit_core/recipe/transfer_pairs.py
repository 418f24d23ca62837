"""`[transfer]`, a list of models -> the settings of all transfers between them, and the pairs left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from attrs import evolve

from steerkit_core.errors import Problem, RecipeError
from steerkit_core.plugin.registry import Registry
from steerkit_core.recipe.changes import Change, apply_changes, toml_text
from steerkit_core.recipe.checking import RecipeChecker
from steerkit_core.recipe.options import TransferOptions
from steerkit_core.recipe.recipe import Recipe, Setting
from steerkit_core.recipe.tables import TRANSFER

if TYPE_CHECKING:
    from steerkit_core.results.findings import ExcludedPair

Table = Mapping[str, object]

# what the transferred direction is asked for at, and the extractor's own word for the rest
PLACES = ("position", "module")


def asking_for_pairs(recipe: Recipe, asked: TransferOptions) -> Recipe:
    """The recipe with a table `[transfer]`, as `steerkit transfer` writes it."""
    import tomlkit

    table = {"models": list(asked.models), "map": asked.map}
    change = Change(TRANSFER, "", table, f"{TRANSFER}={toml_text(table)}")
    text, _ = apply_changes(tomlkit.parse(recipe.text), [change])
    return evolve(recipe, text=text, document={**recipe.document, TRANSFER: table}, transfer=asked)


def with_pairs(recipe: Recipe, registry: Registry, widths: Callable[[Setting], int]) -> Recipe:
    """Every model with its own directions, and with those of every other one that they fit.

    The recipe's own model and extractor, and a grid over either, give way: models are those of
    `[transfer]`, each with the other keys of `[model]`, and the extractor of `[extractor]` finds the
    directions in the source. A recipe without `[transfer]` stays as it is.

    Args:
        recipe: the recipe, checked.
        registry: the installed components, an extractor `transfer` among them.
        widths: gives the hidden size of a configuration's model.

    Raises:
        RecipeError: the recipe does not fit a model, or no pair has one width.
    """
    asked = recipe.transfer
    if asked is None:
        return recipe
    base = _without_models(recipe.document)
    model, extractor = cast("Table", base["model"]), cast("Table", base["extractor"])
    if extractor.get("use") == TRANSFER:
        raise RecipeError(
            [Problem("extractor.use", f"expected what finds the directions in a source, got {TRANSFER!r}")]
        )
    from steerkit_core.results.findings import ExcludedPair

    checker = RecipeChecker(registry, Path(recipe.source).parent)

    def settings(target: str, found_with: Table) -> tuple[Setting, ...]:
        return checker.settings({**base, "model": {**model, "id": target}, "extractor": found_with})

    own = {target: settings(target, extractor) for target in asked.models}
    width = {target: widths(found[0]) for target, found in own.items()}
    chosen: list[Setting] = []
    excluded: list[ExcludedPair] = []
    for target in asked.models:
        chosen += _named(own[target], target)
        for source in (other for other in asked.models if other != target):
            if asked.map == "none" and width[source] != width[target]:
                reason = f"hidden sizes {width[source]} and {width[target]} differ"
                excluded.append(ExcludedPair(source=source, target=target, reason=reason))
                continue
            table = transfer_table(extractor, source, model, asked.map)
            chosen += _named(settings(target, table), target, source)
    if len(excluded) == len(asked.models) * (len(asked.models) - 1):
        raise RecipeError([_none_fits(excluded)])
    return evolve(recipe, settings=tuple(chosen), excluded=tuple(excluded))


def transfer_table(extractor: Table, source: str, model: Table, way: str) -> dict[str, object]:
    """`[extractor]` for the directions that another extractor finds in `source`."""
    options = {key: value for key, value in extractor.items() if key not in ("use", "source", *PLACES)}
    table: dict[str, object] = {
        "use": TRANSFER,
        "source_model": source,
        "method": extractor["use"],
        "map": way,
    }
    table |= {key: extractor[key] for key in (*PLACES, "source") if key in extractor}
    table["options"] = [f"{key}={toml_text(value)}" for key, value in options.items()]
    kept = {"source_dtype": "dtype", "source_revision": "revision"}
    return table | {name: model[key] for name, key in kept.items() if key in model}


def _without_models(document: Table) -> dict[str, object]:
    """The document without `[transfer]`, and without a grid over models or extractors."""
    base = {table: value for table, value in document.items() if table not in ("grid", TRANSFER)}
    grid = {
        place: values
        for place, values in cast("Table", document.get("grid", {})).items()
        if place.partition(".")[0] not in ("model", "extractor")
    }
    return base | ({"grid": grid} if grid else {})


def _named(settings: Sequence[Setting], target: str, source: str | None = None) -> Iterator[Setting]:
    """The configurations, saying which pair they are."""
    own = {"model.id": target} | ({} if source is None else {"extractor.source_model": source})
    for setting in settings:
        yield evolve(setting, overrides={**own, **setting.overrides})


def _none_fits(excluded: Sequence[ExcludedPair]) -> Problem:
    reasons = sorted({f"{pair.source} and {pair.target}: {pair.reason}" for pair in excluded})
    return Problem(
        f"{TRANSFER}.models",
        f"no two fit, give a map, ridge or procrustes ({'; '.join(reasons)})",
    )
