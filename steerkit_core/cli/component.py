"""One component, as `steerkit plugins show` shows it."""

from __future__ import annotations

import inspect
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, cast

import attrs
import click
from attrs import frozen

from steerkit_core.components import Component, ModelAdapter, PromptSet
from steerkit_core.errors import SteerkitError, nearest
from steerkit_core.plugin.registry import Registration, Registry

LONGEST_DEFAULT = 120


def find_components(registry: Registry, name: str) -> list[tuple[str, Registration]]:
    """The components of a name, or the one that `kind:name` means.

    Raises:
        SteerkitError: there is none; the message has the nearest name and what could not be loaded.
    """
    from steerkit_core.authoring.names import kind_of

    kind, colon, own = name.partition(":")
    if colon:
        word = kind_of(kind).word
        registry.get(word, own)
        return [(word, registry.entries[word][own])]
    found = [(word, entry) for word, known, entry in registry if known == name]
    if not found:
        names = sorted({known for _, known, _ in registry})
        failed = "".join(f"; {record.source} failed: {record.error}" for record in registry.host.failed)
        raise SteerkitError(
            f"no component named {name!r}{nearest(name, names)} (installed: {', '.join(names)}){failed}"
        )
    return found


@frozen
class OptionFacts:
    """An option as its component declares it; `checks` are the names of rules that are no bounds."""

    name: str
    type: str
    required: bool
    default: object
    bounds: tuple[str, ...]
    checks: tuple[str, ...]
    help: str

    @classmethod
    def of(cls, attribute: attrs.Attribute[Any]) -> OptionFacts:
        """What a field of a component's class declares."""
        from steerkit_core.recipe.converter import type_words

        checks = attribute.metadata["checks"]
        required = attribute.default is attrs.NOTHING
        return cls(
            name=attribute.name,
            type=type_words(attribute.type),
            required=required,
            default=None if required else attribute.default,
            bounds=tuple(str(check) for check in checks if not inspect.isfunction(check)),
            checks=tuple(check.__name__.replace("_", " ") for check in checks if inspect.isfunction(check)),
            help=attribute.metadata["help"],
        )


@frozen
class ComponentFacts:
    """A component: its options, where it is defined, and how a recipe uses it.

    `file`, `line` and `source` are None for a class that was made where there is no file.
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
    options: tuple[OptionFacts, ...]
    recipe: str
    source: str | None

    @classmethod
    def of(cls, word: str, entry: Registration) -> ComponentFacts:
        """What there is to say of a registered component of the kind `word`."""
        component = cast("type[attrs.AttrsInstance]", entry.component)
        attrs.resolve_types(component)
        file, line, source = _defined(component)
        return cls(
            kind=word,
            name=entry.component.name,
            help=inspect.getdoc(component) or "",
            reference=entry.component.reference,
            cost=entry.component.cost,
            plugin=entry.plugin.name,
            distribution=entry.plugin.distribution,
            version=entry.plugin.version,
            module=component.__module__,
            file=file,
            line=line,
            options=tuple(map(OptionFacts.of, attrs.fields(component))),
            recipe="\n".join(recipe_lines(word, entry)),
            source=source,
        )

    def as_json(self, *, with_source: bool) -> dict[str, object]:
        """The facts as JSON has them; the source only where it is asked for."""
        # a default may be a value of a plugin's own type, which is printed as it prints itself
        found = attrs.asdict(self, recurse=False)
        found["options"] = [attrs.asdict(option, recurse=False) for option in self.options]
        return found if with_source else {key: one for key, one in found.items() if key != "source"}


def _defined(component: type) -> tuple[str | None, int | None, str | None]:
    """File, line and text of a class; None for one that was made where there is no file."""
    try:
        lines, line = inspect.getsourcelines(component)
        return inspect.getsourcefile(component), line, "".join(lines)
    except (OSError, TypeError):
        return None, None, None


def recipe_lines(word: str, entry: Registration) -> Iterator[str]:
    """How a recipe uses a component; nothing for an adapter, which recipes do not name."""
    from steerkit_core.authoring.starter import MODEL, component_lines
    from steerkit_core.authoring.values import needed
    from steerkit_core.recipe.tables import COMPONENT_TABLES

    component = entry.component
    if word in COMPONENT_TABLES:
        yield from component_lines(word, component, needed(component, MODEL), comments=False)
    elif issubclass(component, PromptSet):
        roles = {prompt.role for prompt in component().prompts()}
        yield "[prompts]"
        yield f'{"evaluation" if roles == {"neutral"} else "contrast"} = "{component.name}"'


def print_component(word: str, entry: Registration, *, with_source: bool = False) -> None:
    """Print what there is to say of a component, as a person would read it."""
    from rich.console import Console
    from rich.markup import escape

    console = Console(highlight=False)
    facts = ComponentFacts.of(word, entry)
    console.print(f"[bold]{word} {facts.name}[/]")
    console.print(f"from {entry.plugin.source}, {facts.module}", style="dim", soft_wrap=True)
    if facts.file:
        place = f"{facts.file}, line {facts.line}"
        console.print(place, style="dim", soft_wrap=True, markup=False)
    console.print(f"\n{_flowing(facts.help)}\n", markup=False)
    for key, text in (("reference", facts.reference), ("cost", facts.cost)):
        if text:
            console.print(f"{key}: {escape(text)}\n", soft_wrap=True)
    _print_options(facts.options)
    for line in _further(entry.component):
        console.print(f"\n{line}", soft_wrap=True, markup=False)
    if facts.recipe:
        console.print("\nin a recipe:\n")
        # as it is, so that it can be copied
        click.echo("\n".join(f"    {line}" for line in facts.recipe.split("\n")))
    if with_source:
        console.print("\nsource:\n" if facts.source else "\nits source is in no file")
        click.echo(facts.source or "", nl=False)


def _flowing(text: str) -> str:
    """A docstring whose paragraphs fill any width; lists and formulas keep their lines."""
    paragraphs = text.split("\n\n")
    broken = [any(line.startswith((" ", "-")) for line in part.split("\n")) for part in paragraphs]
    return "\n\n".join(
        part if keep else " ".join(part.split()) for part, keep in zip(paragraphs, broken, strict=True)
    )


def _further(component: type[Component]) -> Iterator[str]:
    """What there is to know of a kind that has no options."""
    if issubclass(component, PromptSet):
        counts = Counter(prompt.role for prompt in component().prompts())
        yield f"prompts: {', '.join(f'{number} {role}' for role, number in counts.items())}"
    if issubclass(component, ModelAdapter):
        yield f"priority {component.priority}, multiplier of the family {component.defaults.multiplier:g}"
        yield "no recipe names an adapter: of those that serve a model the first by priority is taken"


def _shortened(default: object) -> str:
    text = json.dumps(default, default=str, ensure_ascii=False)
    return text if len(text) <= LONGEST_DEFAULT else f"{text[:LONGEST_DEFAULT]} ..."


def _print_options(options: Sequence[OptionFacts]) -> None:
    from rich.console import Console
    from rich.markup import escape

    from steerkit_core.report.layout import plain_table

    if not options:
        Console(highlight=False).print("no options")
        return
    table = plain_table()
    for heading in ("option", "type", "default", "meaning"):
        table.add_column(heading, overflow="fold", no_wrap=heading == "option")
    for option in options:
        default = "required" if option.required else _shortened(option.default)
        kind = " ".join([option.type, *option.bounds])
        kind += f" ({', '.join(option.checks)})" if option.checks else ""
        table.add_row(*map(escape, (option.name, kind, default, option.help)))
    Console(highlight=False).print(table)
