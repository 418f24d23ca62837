"""One component, as `steerkit plugins show` shows it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from steerkit_core.components import Component, ModelAdapter, PromptSet
from steerkit_core.errors import SteerkitError, nearest
from steerkit_core.plugin.registry import Registration, Registry

if TYPE_CHECKING:
    from steerkit_core.authoring.component_facts import ShownOption

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


def print_component(word: str, entry: Registration, *, with_source: bool = False) -> None:
    """Print a component for people to read."""
    from rich.console import Console
    from rich.markup import escape

    from steerkit_core.authoring.component_facts import describe

    console = Console(highlight=False)
    facts = describe(word, entry, with_source=with_source)
    console.print(f"[bold]{word} {facts.name}[/]")
    console.print(f"from {entry.plugin.source}, {facts.module}", style="dim", soft_wrap=True)
    if facts.file:
        place = f"{facts.file}, line {facts.line}"
        console.print(place, style="dim", soft_wrap=True, markup=False)
    console.print(f"\n{_flowing(facts.help)}\n", markup=False)
    for heading, text in (("reference", facts.reference), ("cost", facts.cost)):
        if text:
            console.print(f"{heading}: {escape(text)}\n", soft_wrap=True)
    _print_options(facts.options)
    for line in _further(entry.component):
        console.print(f"\n{line}", soft_wrap=True, markup=False)
    if facts.recipe:
        console.print("\nin a recipe:\n")
        # as it is, so that it can be copied
        click.echo("\n".join(f"    {line}" for line in facts.recipe.split("\n")))
    if with_source:
        console.print("\nsource:\n" if facts.source else "\nno source file")
        click.echo(facts.source or "", nl=False)


def _flowing(text: str) -> str:
    """A docstring whose paragraphs fill any width; lists and formulas keep their lines."""
    paragraphs = text.split("\n\n")
    broken = [any(line.startswith((" ", "-")) for line in part.split("\n")) for part in paragraphs]
    return "\n\n".join(
        part if keep else " ".join(part.split()) for part, keep in zip(paragraphs, broken, strict=True)
    )


def _further(component: type[Component]) -> Iterator[str]:
    """What to know of a kind that has no options."""
    if issubclass(component, PromptSet):
        counts = Counter(prompt.role for prompt in component().prompts())
        yield f"prompts: {', '.join(f'{number} {role}' for role, number in counts.items())}"
    if issubclass(component, ModelAdapter):
        yield f"priority {component.priority}, multiplier of the family {component.defaults.multiplier:g}"
        yield "no recipe names an adapter: of those that serve a model the first by priority is taken"


def _shortened(default: object) -> str:
    text = json.dumps(default, default=str, ensure_ascii=False)
    return text if len(text) <= LONGEST_DEFAULT else f"{text[:LONGEST_DEFAULT]} ..."


def _print_options(options: Sequence[ShownOption]) -> None:
    from rich.console import Console
    from rich.markup import escape

    from steerkit_core.report.terminal.layout import plain_table

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
