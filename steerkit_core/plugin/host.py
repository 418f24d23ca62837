"""The plugin host: entry points become plugins, and a plugin that fails becomes a record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal

import pluggy
from attrs import evolve, field, frozen, mutable

from steerkit_core.errors import PluginError, SteerkitError
from steerkit_core.plugin import hookspecs

ENTRY_POINT_GROUP = "steerkit"


@frozen
class PluginRecord:
    """One plugin, as found: where it comes from, and whether it works."""

    name: str
    module: str
    distribution: str
    version: str
    status: Literal["active", "failed"]
    error: str = ""

    @property
    def source(self) -> str:
        """For messages: the plugin and the distribution that brought it."""
        return f"plugin {self.name!r} ({f'{self.distribution} {self.version}'.strip()})"


@mutable
class Host:
    """The plugins of one process. Made by `Host.load`; there is no global one."""

    manager: pluggy.PluginManager
    records: dict[str, PluginRecord] = field(factory=dict)

    @classmethod
    def load(cls, points: Iterable[EntryPoint] | None = None) -> Host:
        """Load every plugin of the entry-point group `steerkit`, in the order of their names.

        A plugin that cannot be imported, or that implements an unknown or ill-formed hook, is recorded
        as failed and the others go on: pluggy's own loader would stop at the first.
        """
        manager = pluggy.PluginManager(hookspecs.PROJECT)
        manager.add_hookspecs(hookspecs)
        host = cls(manager)
        found = entry_points(group=ENTRY_POINT_GROUP) if points is None else points
        for point in sorted(found, key=lambda point: (point.name, point.value)):
            host._load_one(point)
        return host

    def register(self, plugin: object, name: str, distribution: str = "this process") -> None:
        """Add a plugin that is no entry point, as tests and notebooks do.

        Raises:
            PluginError: the name is taken, or the plugin implements an unknown or ill-formed hook.
        """
        if name in self.records:
            raise PluginError(f"the name {name!r} is taken by {self.records[name].source}")
        record = PluginRecord(name, getattr(plugin, "__name__", repr(plugin)), distribution, "", "active")
        self._register(record, lambda: plugin)
        if self.records[name].status == "failed":
            raise PluginError(f"{record.source} cannot be used: {self.records[name].error}")

    def _load_one(self, point: EntryPoint) -> None:
        distribution = point.dist
        record = PluginRecord(
            name=point.name,
            module=point.value,
            distribution=distribution.name if distribution else "unknown",
            version=distribution.version if distribution else "",
            status="active",
        )
        if point.name in self.records:
            # the first one stays; the second is listed beside it, so that neither vanishes silently
            other = self.records[point.name]
            self.records[f"{point.name} ({record.distribution})"] = evolve(
                record,
                status="failed",
                error=f"the name {point.name!r} is taken by {other.distribution} ({other.module})",
            )
            return
        self._register(record, point.load)

    def _register(self, record: PluginRecord, load: Callable[[], object]) -> None:
        self.records[record.name] = record
        try:
            plugin = load()
            self._refuse_second_name(plugin)
            self.manager.register(plugin, name=record.name)
            self._refuse_unknown_hooks(plugin)
            self._refuse_unmarked_hooks(plugin)
        except (KeyboardInterrupt, MemoryError):
            raise
        except BaseException as error:  # noqa: BLE001  # reason: a stranger's import may raise anything, even SystemExit
            if self.manager.get_plugin(record.name) is not None:
                self.manager.unregister(name=record.name)
            self.fail(record.name, f"{type(error).__name__}: {error}")

    def _refuse_second_name(self, plugin: object) -> None:
        other = self.manager.get_name(plugin)
        if other is not None:
            raise PluginError(f"it is the same object as {self.records[other].source}")

    def _refuse_unknown_hooks(self, plugin: object) -> None:
        known = {name for name in vars(hookspecs) if name.startswith("steerkit_")}
        for caller in self.manager.get_hookcallers(plugin) or []:
            if caller.name not in known:
                raise PluginError(f"there is no hook {caller.name!r} (known: {', '.join(sorted(known))})")

    def _refuse_unmarked_hooks(self, plugin: object) -> None:
        """Without its decorator a hook would never be called, and nobody would know why."""
        for name in sorted(name for name in vars(hookspecs) if name.startswith("steerkit_")):
            if hasattr(plugin, name) and self.manager.parse_hookimpl_opts(plugin, name) is None:
                raise PluginError(f"{name} is not decorated with @steerkit_core.hookimpl")

    def fail(self, name: str, error: str) -> None:
        """Record that a plugin does not work."""
        self.records[name] = evolve(self.records[name], status="failed", error=error)

    @property
    def failed(self) -> tuple[PluginRecord, ...]:
        """The plugins that do not work."""
        return tuple(record for record in self.records.values() if record.status == "failed")

    def collect(self, hook: str, **arguments: Any) -> Iterator[tuple[PluginRecord, Any]]:
        """Call a collecting hook plugin by plugin, so that an item, or an error, has its source.

        A plugin that raises, or returns something that is no collection, is recorded as failed.
        """
        for name, record in list(self.records.items()):
            plugin = self.manager.get_plugin(name)
            if record.status == "failed" or plugin is None:
                continue
            try:
                items = [item for result in self._call_one(plugin, hook, **arguments) for item in result]
            except (Exception, SystemExit) as error:  # noqa: BLE001  # reason: a broken plugin is a record
                self.fail(name, f"hook {hook} raised {type(error).__name__}: {error}")
                continue
            yield from ((record, item) for item in items)

    def notify(self, hook: str, **arguments: Any) -> None:
        """Call an observer hook in every plugin that implements it.

        Raises:
            PluginError: a plugin raised; what it raised is the cause.
        """
        for name, record in list(self.records.items()):
            plugin = self.manager.get_plugin(name)
            if record.status == "failed" or plugin is None:
                continue
            try:
                self._call_one(plugin, hook, **arguments)
            except SteerkitError:
                raise
            except Exception as error:
                raise PluginError(
                    f"{record.source} raised {type(error).__name__} in hook {hook}: {error};"
                    " repair or uninstall it and give the same command again"
                ) from error

    def first(self, hook: str, **arguments: Any) -> Any:
        """The first answer to a hook that is not None; every plugin is asked, none twice.

        Raises:
            PluginError: a plugin raised anything but a `SteerkitError`.
        """
        for name, record in list(self.records.items()):
            plugin = self.manager.get_plugin(name)
            if record.status == "failed" or plugin is None:
                continue
            try:
                answer = self._call_one(plugin, hook, **arguments)
            except SteerkitError:
                raise
            except Exception as error:
                raise PluginError(
                    f"{record.source} raised {type(error).__name__} in hook {hook}: {error}"
                ) from error
            if answer is not None:
                return answer
        return None

    def implements(self, hook: str) -> bool:
        """Whether any working plugin implements a hook."""
        broken = {record.name for record in self.failed}
        callers = getattr(self.manager.hook, hook).get_hookimpls()
        return any(found.plugin_name not in broken for found in callers)

    def _call_one(self, plugin: object, hook: str, **arguments: Any) -> Any:
        others = [other for other in self.manager.get_plugins() if other is not plugin]
        return self.manager.subset_hook_caller(hook, remove_plugins=others)(**arguments)
