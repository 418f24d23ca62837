"""A recipe from Python."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from steerkit_core.api.report import Report, open_run
from steerkit_core.cli.progress import make_progress
from steerkit_core.errors import SteerkitError, lowered
from steerkit_core.pipeline.recipe_run import run_recipe
from steerkit_core.plugin.registry import Registry
from steerkit_core.progress import Progress, Silent
from steerkit_core.recipe.changes import Change, toml_text
from steerkit_core.recipe.parsing import find_recipe, load_recipe, parse_recipe, recipe_of_tables
from steerkit_core.recipe.recipe import Recipe


def run(
    recipe: str | Path | Mapping[str, object] | Recipe,
    *,
    out: str | Path | None = None,
    overrides: Mapping[str, object] | None = None,
    fresh: bool = False,
    progress: bool | Progress = False,
) -> Report:
    """Run or resume a recipe, as `steerkit run` does.

    Args:
        recipe: a TOML file, the name of a shipped recipe, or its tables as a mapping.
        out: folder of the run, by default `runs/NAME`.
        overrides: options to set, as `{"site.multiplier": 6}`; a whole table where the key has no dot.
        fresh: set an earlier run in that folder aside and start over.
        progress: say on standard error how far it is; or an object that is told.

    Returns:
        What came of it; see `Report`.

    Raises:
        SteerkitError: something is wrong with the recipe, the folder or the model; nothing that was
            finished before is lost.
    """
    registry = Registry.collect()
    checked = _read(recipe, _changes(overrides or {}), registry)
    folder = Path("runs") / checked.run.name if out is None else Path(out)
    with _shown(progress) as shown:
        run_recipe(checked, registry, folder, fresh=fresh, progress=shown)
    return open_run(folder)


def _shown(progress: bool | Progress) -> AbstractContextManager[Progress]:  # noqa: FBT001  # reason: what a user says
    if isinstance(progress, bool):
        return make_progress() if progress else nullcontext(Silent())
    return nullcontext(progress)


def _read(recipe: object, changes: list[Change], registry: Registry) -> Recipe:
    if isinstance(recipe, str | Path):
        return load_recipe(find_recipe(str(recipe), registry), registry, changes)
    if isinstance(recipe, Mapping):
        try:
            return recipe_of_tables(_plain_table(recipe), registry, changes)
        except (TypeError, ValueError) as error:
            raise SteerkitError(f"recipe: not what TOML can say: {lowered(str(error))}") from None
    if isinstance(recipe, Recipe):
        if not changes:
            return recipe
        folder = Path(recipe.source).parent
        return parse_recipe(recipe.text, registry, changes, source=recipe.source, folder=folder)
    raise SteerkitError(f"recipe: expected a file, a name or a mapping, got {recipe!r}")


def _changes(overrides: Mapping[str, object]) -> list[Change]:
    """Overrides as changes of a recipe."""
    if not isinstance(overrides, Mapping):
        raise SteerkitError(f"overrides: expected a mapping of places to values, got {overrides!r}")
    changes = []
    for place, given in overrides.items():
        table, dot, key = place.strip().partition(".")
        if not (table and (key if dot else isinstance(given, Mapping))):
            raise SteerkitError(
                f"overrides: expected a place such as 'site.multiplier', or a table, got {place!r}"
            )
        value = _plain(given)
        try:
            written = f"{place}={toml_text(value)}"
        except (TypeError, ValueError) as error:
            raise SteerkitError(
                f"overrides: {place}: not what TOML can say: {lowered(str(error))}"
            ) from None
        changes.append(Change(table, key, value, written))
    return changes


def _plain(value: object) -> object:
    """A value as TOML has it: numpy's numbers and arrays, and paths, are converted."""
    if isinstance(value, Mapping):
        return _plain_table(value)
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if hasattr(value, "tolist"):
        return value.tolist()
    return str(value) if isinstance(value, Path) else value


def _plain_table(table: Mapping[str, object]) -> dict[str, object]:
    return {key: _plain(one) for key, one in table.items()}
