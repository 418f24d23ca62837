"""`steerkit plugins`."""

from __future__ import annotations

import attrs
import click

from steerkit_core.cli import completing
from steerkit_core.cli.application import application_of
from steerkit_core.cli.component import ComponentFacts, find_components, print_component
from steerkit_core.cli.new import new_plugin
from steerkit_core.cli.output import json_option, print_json
from steerkit_core.plugin.registry import Registry, summary


@click.group(short_help="What is installed, and what failed.", invoke_without_command=True)
@click.pass_context
def plugins(context: click.Context) -> None:
    """Look at the installed plugins and their components.

    \b
    Examples:
        steerkit plugins
        steerkit plugins show sweep
        steerkit plugins new extractor noise
    """
    if context.invoked_subcommand is None:
        context.invoke(list_plugins)


plugins.add_command(new_plugin)


@plugins.command("list", short_help="Every plugin and component.")
@json_option
@click.pass_context
def list_plugins(context: click.Context, *, as_json: bool = False) -> None:
    """List every plugin with its distribution and components, and what failed and why.

    \b
    Example:
        steerkit plugins list
    """
    registry = application_of(context).registry
    if as_json:
        print_json(_listing(registry))
        return
    from rich.console import Console
    from rich.markup import escape

    from steerkit_core.report.layout import plain_table

    console = Console(highlight=False)
    table = plain_table()
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


@plugins.command("show", short_help="One component, its options and its source.")
@click.argument("name", shell_complete=completing.components)
@click.option("--source", "with_source", is_flag=True, help="Print its source code too.")
@json_option
@click.pass_context
def show_plugin(context: click.Context, name: str, *, with_source: bool, as_json: bool) -> None:
    """Show the component NAME: what it does, its options with type and default, and where it comes from.

    Where several kinds have a component of that name all are shown; KIND:NAME is one of them.

    \b
    Examples:
        steerkit plugins show residual-add
        steerkit plugins show extractor:random --source
    """
    found = find_components(application_of(context).registry, name)
    if as_json:
        shown = [ComponentFacts.of(word, entry).as_json(with_source=with_source) for word, entry in found]
        print_json(shown)
        return
    for word, entry in found:
        print_component(word, entry, with_source=with_source)


def _listing(registry: Registry) -> dict[str, object]:
    return {
        "plugins": [attrs.asdict(record) for record in registry.host.records.values()],
        "components": [
            {"kind": word, "name": name, "plugin": entry.plugin.name, "help": summary(entry.component)}
            for word, name, entry in registry
        ],
        "recipes": sorted(registry.recipes),
    }
