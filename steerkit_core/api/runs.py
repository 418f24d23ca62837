"""A recipe from Python."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from steerkit_core.api.report import Report, open_run
from steerkit_core.cli.progress import make_progress
from steerkit_core.errors import SteerkitError
from steerkit_core.pipeline.recipe_run import run_recipe
from steerkit_core.plugin.host import Host
from steerkit_core.plugin.registry import Registry
from steerkit_core.progress import Progress, Silent
from steerkit_core.recipe.parsing import Recipe, find_recipe, load_recipe, parse_recipe


def run(
    recipe: str | Path | Mapping[str, Any] | Recipe,
    *,
    out: str | Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    fresh: bool = False,
    progress: bool | Progress = False,
) -> Report:
    """Run a recipe, or go on with it, as `steerkit run` does.

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
    registry = Registry.collect(Host.load())
    checked = _read(recipe, _changes(overrides or {}), registry)
    folder = Path("runs") / checked.run.name if out is None else Path(out)
    with _shown(progress) as shown:
        run_recipe(checked, registry, folder, fresh=fresh, progress=shown)
    return open_run(folder)


def _shown(progress: bool | Progress) -> AbstractContextManager[Progress]:  # noqa: FBT001  # reason: what a user says
    if isinstance(progress, bool):
        return make_progress() if progress else nullcontext(Silent())
    return nullcontext(progress)


def _read(recipe: object, changes: list[str], registry: Registry) -> Recipe:
    import tomlkit

    if isinstance(recipe, str | Path):
        return load_recipe(find_recipe(str(recipe), registry), registry, changes)
    if isinstance(recipe, Mapping):
        try:
            text = tomlkit.dumps(_plain(recipe))
        except (TypeError, ValueError) as error:
            raise SteerkitError(f"recipe: not what TOML can say: {_lower(error)}") from None
        return parse_recipe(text, registry, changes)
    if isinstance(recipe, Recipe):
        folder = Path(recipe.source).parent
        return parse_recipe(recipe.text, registry, changes, source=recipe.source, folder=folder)
    raise SteerkitError(f"recipe: expected a file, a name or a mapping, got {recipe!r}")


def _changes(overrides: Mapping[str, Any]) -> list[str]:
    """Overrides as `--set` takes them."""
    if not isinstance(overrides, Mapping):
        raise SteerkitError(f"overrides: expected a mapping of places to values, got {overrides!r}")
    lines = []
    for place, value in overrides.items():
        table, dot, key = place.partition(".")
        if not (table and (key if dot else isinstance(value, Mapping))):
            raise SteerkitError(
                f"overrides: expected a place such as 'site.multiplier', or a table, got {place!r}"
            )
        lines.append(f"{place}={_toml(place, value)}")
    return lines


def _plain(value: Any) -> Any:
    """A value as TOML has it: numbers and arrays of numpy, which sweeps are made of, and paths are none."""
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if hasattr(value, "tolist"):
        return value.tolist()
    return str(value) if isinstance(value, Path) else value


def _toml(place: str, given: Any) -> str:
    import tomlkit

    value = _plain(given)
    try:
        if not isinstance(value, Mapping):
            return str(tomlkit.item(value).as_string())
        table = tomlkit.inline_table()
        table.update(value)
        return str(table.as_string())
    except (TypeError, ValueError) as error:
        raise SteerkitError(f"overrides: {place}: not what TOML can say: {_lower(error)}") from None


def _lower(error: Exception) -> str:
    return f"{str(error)[:1].lower()}{str(error)[1:]}"
