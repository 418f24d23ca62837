"""The installed plugins, and beside them the component under test, wherever it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen

from steerkit_core.errors import PluginError
from steerkit_core.model.load_model import adapters_of
from steerkit_core.plugin.hookspecs import hookimpl
from steerkit_core.plugin.host import Host
from steerkit_core.plugin.registry import KINDS, Registry
from steerkit_core.testing.prompts import KitContrast, KitNeutral

if TYPE_CHECKING:
    from collections.abc import Iterable

    from steerkit_core.components import Component, ModelAdapter, PromptSet


@frozen
class _KitPrompts:
    """A plugin that brings the kit's own prompts."""

    @hookimpl
    def steerkit_register_prompt_sets(self) -> list[type[PromptSet]]:
        return [KitContrast, KitNeutral]


def installed_registry(component: type[Component] | None = None, plugins: Iterable[Any] = ()) -> Registry:
    """Every installed component, the kit's prompts, and `component` if no installed plugin brings it.

    Args:
        component: a component class, which need not be in a package that is installed.
        plugins: further plugin objects, such as `TinyModels`.

    Raises:
        PluginError: `component` cannot be registered; the message says why, as a user would read it.
    """
    given = [_KitPrompts(), *plugins]
    registry = _collect(given)
    if component is None or any(entry.component is component for _, _, entry in registry):
        return registry
    registry = _collect([*given, plugin_of(component)])
    record = list(registry.host.records.values())[-1]
    if record.status == "failed":
        raise PluginError(record.error)
    return registry


def installed_adapters() -> list[ModelAdapter]:
    """The model adapters of the installed plugins, in the order in which they are asked."""
    return adapters_of(Registry.collect())


def plugin_of(component: type[Component]) -> object:
    """A plugin object that brings one component, through the hook of its kind.

    Raises:
        PluginError: the class is of no kind that steerkit knows.
    """
    for kind in KINDS:
        if issubclass(component, kind.base):

            def register() -> list[type[Component]]:
                return [component]

            return type("Plugin", (), {kind.hook: staticmethod(hookimpl(register))})()
    bases = ", ".join(kind.base.__name__ for kind in KINDS)
    raise PluginError(f"{component!r} is no component, expected a subclass of one of {bases}")


def _collect(plugins: Iterable[Any]) -> Registry:
    host = Host.load()
    for number, plugin in enumerate(plugins):
        host.register(plugin, f"kit-{number}")
    return Registry.collect(host)
