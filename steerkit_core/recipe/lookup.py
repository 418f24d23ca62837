"""What a user's words stand for: a component and its options, a set of prompts, two classes of prompts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

import attrs

from steerkit_core.components import Component, PromptSet, Site
from steerkit_core.errors import PromptFileError, RecipeError, SteerkitError, StoreError
from steerkit_core.plugin.registry import Registry
from steerkit_core.recipe.converter import make_converter, problems
from steerkit_core.recipe.prompts import contrast_set, read_prompt_file
from steerkit_core.recipe.prompts.rows import PromptCollector, Row
from steerkit_core.values import ContrastSet, Prompt, Role

T = TypeVar("T")
Class = Sequence[str | Prompt]

PROMPT_FILE_SUFFIXES = (".toml", ".jsonl", ".csv", ".txt")
CLASSES: tuple[Role, Role] = ("positive", "negative")


def built(cl: type[T], options: Mapping[str, object], where: str) -> T:
    """An attrs class from its options, as strictly as from a recipe.

    Raises:
        RecipeError: an option that is unknown, missing, or of another type or size; one line each.
    """
    try:
        return make_converter().structure(dict(options), cl)
    except Exception as error:
        names = [attribute.name for attribute in attrs.fields(cast("Any", cl))]
        raise RecipeError(problems(error, where, names)) from error


def component(registry: Registry, word: str, given: object, options: Mapping[str, object]) -> Component:
    """The component that is meant by a name and options, or the one that is given itself.

    Raises:
        SteerkitError: it is not installed, refuses an option, or is of another kind.
    """
    base = registry.base(word)
    if isinstance(given, str):
        return built(registry.get(word, given), options, word)
    if not isinstance(given, base):
        raise SteerkitError(f"{word}: expected a name or one of {base.__name__}, got {given!r}")
    if options:
        names = ", ".join(options)
        raise SteerkitError(f"{word}: {given.name!r} is built already, got options besides: {names}")
    return given


def kept(cl: type[T], options: Mapping[str, object], where: str) -> T:
    """An attrs class from the options that a run has noted of it.

    Raises:
        StoreError: it does not take them any more.
    """
    try:
        return built(cl, options, where)
    except RecipeError as error:
        found = "; ".join(map(str, error.problems))
        raise StoreError(f"{found}: the run was changed, or made with another version") from error


def kept_site(name: str, options: Mapping[str, object], registry: Registry, where: str) -> Site:
    """The site of a cell, from its name and the options that the run has noted.

    Raises:
        UnknownComponent: it is not installed here.
        StoreError: it does not take the options that the run has noted.
    """
    cl = cast("type[Site]", registry.get("site", name))
    return kept(cl, options, f"{where}: site")


def prompts_named(name: str, registry: Registry, folder: Path = Path()) -> tuple[Prompt, ...]:
    """The prompts of an installed set, or of a file, which is looked for in `folder` first.

    Raises:
        SteerkitError: there is no such set, or the file has problems.
    """
    beside = folder / name
    if Path(name).suffix.lower() in PROMPT_FILE_SUFFIXES or beside.is_file():
        # a file that --set names is where the user is, not where a shipped recipe lies
        return read_prompt_file(beside if beside.is_file() or not Path(name).is_file() else Path(name))
    return installed_prompts(name, registry)


def installed_prompts(name: str, registry: Registry) -> tuple[Prompt, ...]:
    """The prompts of an installed set.

    Raises:
        UnknownComponent: it is not installed.
    """
    return cast("PromptSet", registry.get("prompt set", name)()).prompts()


def contrast_given(given: object, registry: Registry) -> ContrastSet:
    """Two classes of prompts, from whatever says which.

    Args:
        given: the name of a prompt set, a file, a `ContrastSet`, or a pair (positive, negative) of lists of
            texts or prompts.
        registry: the installed components.

    Raises:
        SteerkitError: it is neither of these, a class is empty, or a prompt has a problem.
    """
    if isinstance(given, ContrastSet):
        classes = zip(CLASSES, (given.positive, given.negative), strict=True)
        return contrast_set(
            given.name, [attrs.evolve(one, role=role) for role, prompts in classes for one in prompts]
        )
    if isinstance(given, str | Path):
        return contrast_set(str(given), prompts_named(str(given), registry))
    if isinstance(given, tuple | list) and len(given) == len(CLASSES) and all(map(_is_class, given)):
        return contrast_set("contrast", _in_roles(*given))
    raise SteerkitError(
        "contrast: expected a prompt set, a file, a ContrastSet or a pair of lists of texts, positive ones"
        f" first, got {given!r}"
    )


def _is_class(value: object) -> bool:
    return isinstance(value, tuple | list) and all(isinstance(item, str | Prompt) for item in value)


def _in_roles(*classes: Class) -> tuple[Prompt, ...]:
    """The prompts of both classes, checked as those of a file are."""
    collector = PromptCollector("contrast")
    for role, prompts in zip(CLASSES, classes, strict=True):
        for number, prompt in enumerate(prompts):
            values = {"text": prompt} if isinstance(prompt, str) else _as_row(prompt)
            place = f"{role}[{number}]"
            collector.add(Row(place, place, {**values, "role": role}))
    if collector.problems:
        raise PromptFileError("\n".join(f"contrast: {problem}" for problem in collector.problems))
    return tuple(collector.prompts)


def _as_row(prompt: Prompt) -> dict[str, str]:
    return {"text": prompt.text, "id": prompt.id, "category": prompt.category}
