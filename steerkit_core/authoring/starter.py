"""A recipe to start from: every table and key, each with its help, as a text that can be run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

import attrs

from steerkit_core.authoring.text import commented, first_paragraph, option_lines
from steerkit_core.authoring.values import needed
from steerkit_core.components import Component, Site
from steerkit_core.components.core_keys import CORE_KEYS
from steerkit_core.errors import Problem, RecipeError
from steerkit_core.plugin.registry import KIND_OF, Registry
from steerkit_core.recipe.parsing import parse_recipe
from steerkit_core.recipe.tables import COMPONENT_TABLES, OPTION_TABLES, TABLES

COMPONENTS: Mapping[str, str] = {
    "extractor": "dim",
    "selector": "sweep",
    "site": "residual-add",
    "classifier": "refusal-keywords",
}
MODEL = "bundled:qwen2-s"
PROMPTS = {"contrast": "refusal-5", "evaluation": "benign-30", "selection": "selection-30"}
# models that ship are narrow: a family's multiplier, found with large ones, would break their texts
SMALL, SMALL_MULTIPLIERS = "bundled:", (1.0, 2.0, 4.0)
GRID = """\
# The product over any options above: each takes a list of values, and all their combinations are run.
# [grid]
# "site.multiplier" = [2.0, 4.0, 8.0]
# "model.quantization" = ["none", "int8"]"""
Values = dict[str, dict[str, object]]


def starter_recipe(
    registry: Registry, name: str, *, model: str = MODEL, components: Mapping[str, str] | None = None
) -> str:
    """The text of a recipe called `name`; `components` are names by table, where not the usual ones.

    Raises:
        UnknownComponent: a component is not installed.
    """
    chosen = {word: registry.get(word, use) for word, use in {**COMPONENTS, **(components or {})}.items()}
    given: Values = {"run": {"name": name}, "model": {"id": model}, "prompts": dict(PROMPTS)}
    given |= {word: needed(component, model) for word, component in chosen.items()}
    _fit(chosen, given, small=model.startswith(SMALL))
    parts = ["\n".join(_table(table, chosen, given, registry)) for table in TABLES if table != "grid"]
    return "\n\n".join(["\n".join(_heading(name)), *parts, GRID]) + "\n"


def open_problems(text: str, registry: Registry) -> list[Problem]:
    """What has to be filled in before a recipe can be run."""
    try:
        parse_recipe(text, registry)
    except RecipeError as error:
        return list(error.problems)
    return []


def component_lines(
    word: str, component: type[Component], given: Mapping[str, object], *, comments: bool = True
) -> Iterator[str]:
    """A component's table without what all of its kind have: `use` and its options."""
    yield f"[{word}]"
    if comments:
        yield from commented(first_paragraph(component))
    yield f'use = "{component.name}"'
    yield from option_lines(component, given, comments=comments)


def _heading(name: str) -> Iterator[str]:
    yield from commented(
        "A steerkit recipe. Every key stands below its help, with what it takes in brackets; whatever is"
        " deleted keeps its default."
    )
    yield f"#     steerkit check {name}.toml"
    yield f"#     steerkit run {name}.toml"


def _table(
    table: str, chosen: Mapping[str, type[Component]], given: Values, registry: Registry
) -> Iterator[str]:
    if table not in COMPONENT_TABLES:
        yield from commented(first_paragraph(OPTION_TABLES[table]))
        yield f"[{table}]"
        yield from option_lines(OPTION_TABLES[table], given.get(table, {}))
        return
    names = ", ".join(registry.names(table))
    yield from commented(f"{first_paragraph(KIND_OF[table].base)} Installed: {names}.")
    yield from component_lines(table, chosen[table], given[table])
    if table in CORE_KEYS:
        yield from option_lines(CORE_KEYS[table], {})


def _fit(chosen: Mapping[str, type[Component]], given: Values, *, small: bool) -> None:
    """Let directions be read where the site edits, and small models be steered gently."""
    options = attrs.fields_dict(cast("Any", chosen["site"]))
    if small and "multiplier" in options and options["multiplier"].default is None:
        given["site"]["multiplier"] = SMALL_MULTIPLIERS[-1]
        if "multipliers" in attrs.fields_dict(cast("Any", chosen["selector"])):
            given["selector"]["multipliers"] = SMALL_MULTIPLIERS
    try:
        site = cast("Site", cast("Any", chosen["site"])(**given["site"]))
    except (TypeError, ValueError):
        return  # a required option of which no value is known; the check of the recipe says so
    if site.module != "residual" and "module" in attrs.fields_dict(cast("Any", chosen["extractor"])):
        given["extractor"]["module"] = site.module
