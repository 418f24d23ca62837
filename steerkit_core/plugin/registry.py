"""Typed registries: the name of a component to its class, one registry per kind."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from pathlib import Path

from attrs import field, fields_dict, frozen, has, mutable

from steerkit_core.components import (
    Classifier,
    Component,
    Extractor,
    LayerSelector,
    ModelAdapter,
    PromptSet,
    Site,
)
from steerkit_core.components.core_keys import CORE_KEYS
from steerkit_core.errors import SteerkitError, nearest
from steerkit_core.plugin.host import Host, PluginRecord


@frozen
class Kind:
    """A kind of component: its word, its class, and the hook that collects it."""

    word: str
    base: type[Component]
    hook: str


KINDS = (
    Kind("extractor", Extractor, "steerkit_register_extractors"),
    Kind("selector", LayerSelector, "steerkit_register_layer_selectors"),
    Kind("site", Site, "steerkit_register_sites"),
    Kind("classifier", Classifier, "steerkit_register_classifiers"),
    Kind("model adapter", ModelAdapter, "steerkit_register_model_adapters"),
    Kind("prompt set", PromptSet, "steerkit_register_prompt_sets"),
)
RECIPES_HOOK = "steerkit_register_recipes"
KIND_OF = {kind.word: kind for kind in KINDS}


@frozen
class Registration:
    """A component class and the plugin that brought it."""

    component: type[Component]
    plugin: PluginRecord


class UnknownComponent(SteerkitError):
    """A name that nothing is registered under."""


@mutable
class Registry:
    """Every component that is installed, by kind and name."""

    entries: dict[str, dict[str, Registration]]
    recipes: dict[str, Path]
    host: Host
    clashes: dict[tuple[str, str], str] = field(factory=dict)

    @classmethod
    def collect(cls, host: Host | None = None) -> Registry:
        """Ask every plugin for its components and recipes; without a host, every plugin that is installed.

        A component that is unusable, or whose name is taken, makes the plugin that brought it fail. A name
        that two plugins claim, also that of a recipe, is refused wherever it is used, until one of them is
        uninstalled: which of two methods a run used must never depend on the order in which plugins were
        found. Nothing of a plugin that failed is registered.
        """
        host = Host.load() if host is None else host
        registry = cls({kind.word: {} for kind in KINDS}, {}, host)
        for kind in KINDS:
            for record, component in host.collect(kind.hook):
                registry._add(kind, record, component)
        owners: dict[str, PluginRecord] = {}
        for record, path in host.collect(RECIPES_HOOK):
            if not isinstance(path, str | Path):
                host.fail(record.name, f"hook {RECIPES_HOOK} returned {path!r}, expected a path")
            elif (name := Path(path).stem) in owners:
                registry._clash("recipe", name, owners[name], record)
            else:
                owners[name] = record
                registry.recipes[name] = Path(path)
        registry._drop(failed={record.name for record in host.failed}, owners=owners)
        return registry

    def _drop(self, failed: set[str], owners: Mapping[str, PluginRecord]) -> None:
        """Leave out all that a failed plugin brought: half a plugin would work by accident only."""
        for word, entries in self.entries.items():
            self.entries[word] = {
                name: entry for name, entry in entries.items() if entry.plugin.name not in failed
            }
        for name, record in owners.items():
            if record.name in failed:
                self.recipes.pop(name, None)

    def _add(self, kind: Kind, record: PluginRecord, component: object) -> None:
        fault = _fault(kind, component)
        if fault is not None:
            self.host.fail(record.name, fault)
            return
        assert isinstance(component, type)
        assert issubclass(component, Component)
        other = self.entries[kind.word].get(component.name)
        if other is None:
            self.entries[kind.word][component.name] = Registration(component, record)
        else:
            self._clash(kind.word, component.name, other.plugin, record)

    def _clash(self, word: str, name: str, first: PluginRecord, second: PluginRecord) -> None:
        self.host.fail(second.name, f"{word} {name!r} is already registered by {first.source}")
        self.clashes[word, name] = (
            f"{word} {name!r} is registered by {first.source} and by {second.source}: uninstall one of them"
        )

    def names(self, word: str) -> tuple[str, ...]:
        """The names of a kind, in alphabetical order."""
        return tuple(sorted(self.entries[word]))

    def get(self, word: str, name: str) -> type[Component]:
        """The class registered for a name.

        Raises:
            UnknownComponent: there is none; the message has the nearest name, those installed, and the
                plugins that failed, one of which may have been meant to bring it. Or there are two.
        """
        if (word, name) in self.clashes:
            raise UnknownComponent(self.clashes[word, name])
        entry = self.entries[word].get(name)
        if entry is not None:
            return entry.component
        names = self.names(word)
        message = f"no {word} named {name!r}{nearest(name, names)}"
        message += f" (installed: {', '.join(names) or 'none'})"
        for record in self.host.failed:
            message += f"; {record.source} could not be used: {record.error}"
        raise UnknownComponent(message)

    def version(self, word: str, name: str) -> str:
        """The version of the distribution that brought a component; empty for one that none has brought."""
        entry = self.entries[word].get(name)
        return "" if entry is None else entry.plugin.version

    def base(self, word: str) -> type[Component]:
        """The class that every component of a kind is derived from."""
        return KIND_OF[word].base

    def __iter__(self) -> Iterator[tuple[str, str, Registration]]:
        for word, entries in self.entries.items():
            for name in sorted(entries):
                yield word, name, entries[name]


def summary(cl: type) -> str:
    """The first line of a class's docstring: what it is, in a sentence."""
    return (inspect.getdoc(cl) or "").partition("\n")[0]


def _fault(kind: Kind, component: object) -> str | None:
    """Why something that a plugin returned cannot be registered; None if it can."""
    what = f"hook {kind.hook} returned {component!r}"
    if not isinstance(component, type) or not issubclass(component, kind.base):
        return f"{what}, expected a subclass of {kind.base.__name__}"
    if not isinstance(getattr(component, "name", None), str) or not component.name:
        return f"{what}, which has no class attribute `name`"
    if not has(component) or "__attrs_attrs__" not in vars(component):
        return f"{what}, which is no attrs class: decorate it with @frozen(kw_only=True)"
    if inspect.isabstract(component):
        missing = ", ".join(sorted(component.__abstractmethods__))
        return f"{what}, which does not implement {missing}"
    if issubclass(component, Classifier) and not _judges(component):
        return f"{what}, which implements neither classify nor judge"
    for name, attribute in fields_dict(component).items():
        if "help" not in attribute.metadata:
            return f"{what}, whose field {name!r} is not declared with option(..., help=...)"
        if name == "use" or (kind.word in CORE_KEYS and name in fields_dict(CORE_KEYS[kind.word])):
            return f"{what}, whose option {name!r} has the name of a key that every {kind.word} has"
    return None


def _judges(component: type[Classifier]) -> bool:
    return component.classify is not Classifier.classify or component.judge is not Classifier.judge
