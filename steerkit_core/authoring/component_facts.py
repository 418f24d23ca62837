"""One component as it is declared: its options, where it is defined, and how a recipe uses it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any, cast

import attrs
from attrs import field, frozen

from steerkit_core.authoring.starter import MODEL, component_lines
from steerkit_core.authoring.values import needed
from steerkit_core.components import PromptSet
from steerkit_core.plugin.registry import Registration
from steerkit_core.recipe.converter import type_words
from steerkit_core.recipe.tables import COMPONENT_TABLES
from steerkit_core.results.fields import OMIT


@frozen(kw_only=True)
class ShownOption:
    """An option as it is declared."""

    name: str
    type: str
    required: bool
    default: object
    bounds: tuple[str, ...]
    checks: tuple[str, ...]
    help: str

    @classmethod
    def of(cls, attribute: attrs.Attribute[object]) -> ShownOption:
        """An option from its field."""
        checks, required = attribute.metadata["checks"], attribute.default is attrs.NOTHING
        return cls(
            name=attribute.name,
            type=type_words(attribute.type),
            required=required,
            default=None if required else attribute.default,
            bounds=tuple(str(check) for check in checks if not inspect.isfunction(check)),
            checks=tuple(check.__name__.replace("_", " ") for check in checks if inspect.isfunction(check)),
            help=attribute.metadata["help"],
        )


@frozen(kw_only=True)
class ShownComponent:
    """A component: its options as declared, where it is defined, and how a recipe uses it.

    `file` and `line` are None for a class that is in no file; `source` is there where it is asked for.
    """

    kind: str
    name: str
    help: str
    reference: str
    cost: str
    plugin: str
    distribution: str
    version: str
    module: str
    file: str | None
    line: int | None
    options: tuple[ShownOption, ...]
    recipe: str
    source: str | None = field(default=None, metadata=OMIT)


def describe(word: str, entry: Registration, *, with_source: bool = False) -> ShownComponent:
    """What to show of a component."""
    component = cast("Any", entry.component)
    attrs.resolve_types(component)
    file, line, source = _defined(component)
    return ShownComponent(
        kind=word,
        name=entry.component.name,
        help=inspect.getdoc(entry.component) or "",
        reference=entry.component.reference,
        cost=entry.component.cost,
        plugin=entry.plugin.name,
        distribution=entry.plugin.distribution,
        version=entry.plugin.version,
        module=entry.component.__module__,
        file=file,
        line=line,
        options=tuple(ShownOption.of(attribute) for attribute in attrs.fields(component)),
        recipe="\n".join(recipe_lines(word, entry)),
        source=(source or "") if with_source else None,
    )


def _defined(component: type) -> tuple[str | None, int | None, str | None]:
    """File, line and text of a class, or of the one in its module that it was made from."""
    for cls in component.__mro__:
        if cls.__module__ != component.__module__:
            continue
        try:
            lines, line = inspect.getsourcelines(cls)
            return inspect.getsourcefile(cls), line, "".join(lines)
        except (OSError, TypeError):
            continue
    return None, None, None


def recipe_lines(word: str, entry: Registration) -> Iterator[str]:
    """How a recipe uses a component; nothing for an adapter, which recipes do not name."""
    component = entry.component
    if word in COMPONENT_TABLES:
        yield from component_lines(word, component, needed(component, MODEL), comments=False)
    elif issubclass(component, PromptSet):
        roles = {prompt.role for prompt in component().prompts()}
        yield "[prompts]"
        yield f'{"evaluation" if roles == {"neutral"} else "contrast"} = "{component.name}"'
