"""A file, a text or Python's tables -> a checked recipe.

Nothing here imports torch, so that a typing mistake costs no start-up time.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from steerkit_core.errors import Problem, RecipeError, SteerkitError, lowered, nearest
from steerkit_core.files.reading import read_text
from steerkit_core.plugin.registry import Registry
from steerkit_core.recipe.changes import Change, apply_changes
from steerkit_core.recipe.checking import RecipeChecker
from steerkit_core.recipe.recipe import Recipe


def find_recipe(name: str, registry: Registry) -> Path:
    """The file that `name` means: a path, or the name of a shipped recipe.

    Raises:
        RecipeError: it is neither, or two plugins ship it.
    """
    path = Path(name)
    if path.is_file():
        return path
    if ("recipe", name) in registry.clashes:
        raise RecipeError([Problem("", registry.clashes["recipe", name])])
    if name in registry.recipes:
        return registry.recipes[name]
    shipped = sorted(registry.recipes)
    raise RecipeError(
        [
            Problem(
                "",
                f"no recipe {name!r}: no such file{nearest(name, shipped)} (shipped: {', '.join(shipped)})",
            )
        ]
    )


def load_recipe(path: Path, registry: Registry, changes: Sequence[str | Change] = ()) -> Recipe:
    """Read, change and check a recipe.

    Args:
        path: a TOML file; prompt files in it are relative to its folder, or else to the current one.
        registry: the installed components.
        changes: `table.key=value` or `table={...}` lines, the value as TOML would write it; a bare word is
            a string.

    Raises:
        RecipeError: everything that is wrong with it, one line each.
    """
    try:
        text = read_text(path)
    except SteerkitError as error:
        raise RecipeError([Problem("", str(error))]) from None
    return parse_recipe(text, registry, changes, source=str(path), folder=path.parent)


def parse_recipe(
    text: str,
    registry: Registry,
    changes: Sequence[str | Change] = (),
    *,
    source: str = "recipe",
    folder: Path = Path(),
) -> Recipe:
    """Check a recipe that is already in memory; see `load_recipe`."""
    document: Mapping[str, object]
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError([Problem(source, f"not TOML: {lowered(str(error))}")]) from None
    if changes:
        import tomlkit

        text, document = apply_changes(tomlkit.parse(text), changes)
    return _checked(document, text, registry, changes, source, folder)


def recipe_of_tables(
    tables: Mapping[str, object], registry: Registry, changes: Sequence[str | Change] = ()
) -> Recipe:
    """Check a recipe whose tables are there as Python has them; see `load_recipe`.

    Raises:
        TypeError, ValueError: TOML has no word for a value, so that no run could keep it.
    """
    import tomlkit

    written = tomlkit.document()
    written.update(tables)
    text, document = apply_changes(written, changes)
    return _checked(document, text, registry, changes, "recipe", Path())


def _checked(
    document: Mapping[str, object],
    text: str,
    registry: Registry,
    changes: Sequence[str | Change],
    source: str,
    folder: Path,
) -> Recipe:
    run, asked, settings = RecipeChecker(registry, folder).check(document)
    noted = tuple(change if isinstance(change, str) else change.written for change in changes)
    return Recipe(run, settings, document, text, source, changes=noted, transfer=asked)
