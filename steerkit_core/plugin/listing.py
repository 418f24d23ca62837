"""All that is installed, for programs."""

from __future__ import annotations

from attrs import frozen

from steerkit_core.plugin.host import PluginRecord
from steerkit_core.plugin.registry import Registry, summary


@frozen(kw_only=True)
class ListedComponent:
    """A component in the list of all."""

    kind: str
    name: str
    plugin: str
    help: str


@frozen(kw_only=True)
class Listing:
    """What `steerkit plugins list --json` prints."""

    plugins: tuple[PluginRecord, ...]
    components: tuple[ListedComponent, ...]
    recipes: tuple[str, ...]


def listing(registry: Registry) -> Listing:
    """All plugins, components and shipped recipes."""
    return Listing(
        plugins=tuple(registry.host.records.values()),
        components=tuple(
            ListedComponent(kind=word, name=name, plugin=entry.plugin.name, help=summary(entry.component))
            for word, name, entry in registry
        ),
        recipes=tuple(sorted(registry.recipes)),
    )
