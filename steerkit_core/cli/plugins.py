"""`steerkit plugins`."""

from __future__ import annotations

import inspect
import json
from typing import Any, cast

import attrs
import click

from steerkit_core.cli import completing
from steerkit_core.cli.application import application_of
from steerkit_core.errors import SteerkitError, nearest
from steerkit_core.registry import Registration, Registry


@click.group(short_help="What is installed, and what failed.", invoke_without_command=True)
@click.pass_context
def plugins(context: click.Context) -> None:
    """Look at the installed plugins and their components.

    \b
    Examples:
        steerkit plugins
        steerkit plugins show sweep
    """
    if context.invoked_subcommand is None:
        context.invoke(list_plugins)


@plugins.command("list", short_help="Every plugin and component.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def list_plugins(context: click.Context, *, as_json: bool = False) -> None:
    """List every plugin with its distribution and components, and what failed and why.

    \b
    Example:
        steerkit plugins list
    """
    registry = application_of(context).registry
    if as_json:
        click.echo(json.dumps(_listing(registry), indent=1))
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(highlight=False)
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for heading in ("kind", "name", "plugin", "what it is"):
        table.add_column(heading, overflow="fold", no_wrap=heading != "what it is")
    for word, name, entry in registry:
        table.add_row(word, name, entry.plugin.name, escape(summary(entry.component)))
    console.print(table)
    by_distribution: dict[str, list[str]] = {}
    for record in registry.host.records.values():
        if record.status == "active":
            by_distribution.setdefault(f"{record.distribution} {record.version}", []).append(record.name)
    for distribution, names in sorted(by_distribution.items()):
        console.print(f"\n{distribution}: {', '.join(names)}", soft_wrap=True)
    for record in registry.host.failed:
        failure = escape(f"{record.source}, {record.module}: {record.error}")
        console.print(f"\n[red]failed:[/] {failure}", soft_wrap=True)
    if registry.recipes:
        console.print(f"\nshipped recipes: {', '.join(sorted(registry.recipes))}", soft_wrap=True)


@plugins.command("show", short_help="One component and its options.")
@click.argument("name", shell_complete=completing.components)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def show_plugin(context: click.Context, name: str, *, as_json: bool) -> None:
    """Show the component NAME: what it does, its options with type and default, and where it comes from.

    \b
    Example:
        steerkit plugins show residual-add
    """
    registry = application_of(context).registry
    found = [(word, entry) for word, known, entry in registry if known == name]
    if not found:
        names = sorted({known for _, known, _ in registry})
        failed = "".join(f"; {record.source} failed: {record.error}" for record in registry.host.failed)
        raise SteerkitError(
            f"no component named {name!r}{nearest(name, names)} (installed: {', '.join(names)}){failed}"
        )
    if as_json:
        click.echo(json.dumps([describe(word, entry) for word, entry in found], indent=1, default=str))
        return
    for word, entry in found:
        _print_component(word, entry)


def summary(component: type) -> str:
    """The first line of a component's docstring."""
    return (inspect.getdoc(component) or "").split("\n", 1)[0]


def describe(word: str, entry: Registration) -> dict[str, Any]:
    """A component as JSON: its options as declared."""
    from steerkit_core.converter import type_words

    component = cast("Any", entry.component)
    attrs.resolve_types(component)
    return {
        "kind": word,
        "name": entry.component.name,
        "help": inspect.getdoc(entry.component) or "",
        "reference": entry.component.reference,
        "cost": entry.component.cost,
        "plugin": entry.plugin.name,
        "distribution": entry.plugin.distribution,
        "version": entry.plugin.version,
        "module": entry.component.__module__,
        "options": [
            {
                "name": attribute.name,
                "type": type_words(attribute.type),
                "required": attribute.default is attrs.NOTHING,
                "default": None if attribute.default is attrs.NOTHING else attribute.default,
                "bounds": [
                    str(check) for check in attribute.metadata["checks"] if not inspect.isfunction(check)
                ],
                "help": attribute.metadata["help"],
            }
            for attribute in attrs.fields(component)
        ],
    }


def _listing(registry: Registry) -> dict[str, Any]:
    return {
        "plugins": [attrs.asdict(record) for record in registry.host.records.values()],
        "components": [
            {"kind": word, "name": name, "plugin": entry.plugin.name, "help": summary(entry.component)}
            for word, name, entry in registry
        ],
        "recipes": sorted(registry.recipes),
    }


def _print_component(word: str, entry: Registration) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(highlight=False)
    facts = describe(word, entry)
    console.print(f"[bold]{word} {facts['name']}[/]")
    console.print(f"from {entry.plugin.source}, {facts['module']}\n", style="dim", soft_wrap=True)
    console.print(facts["help"] + "\n", markup=False)
    for key in ("reference", "cost"):
        if facts[key]:
            console.print(f"{key}: {escape(facts[key])}\n", soft_wrap=True)
    if not facts["options"]:
        console.print("no options\n")
        return
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for heading in ("option", "type", "default", "meaning"):
        table.add_column(heading, overflow="fold")
    for option in facts["options"]:
        default = "required" if option["required"] else json.dumps(option["default"], default=str)
        kind = " ".join([option["type"], *option["bounds"]])
        table.add_row(*map(escape, (option["name"], kind, default, option["help"])))
    console.print(table)
