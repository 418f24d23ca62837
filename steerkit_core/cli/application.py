"""What every command starts from: the plugins and their components."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import cast

import click
from attrs import define

from steerkit_core.plugin.host import Host
from steerkit_core.plugin.registry import Registry


@define(slots=False)
class Application:
    """The plugins of this process; the components are collected when they are first asked for."""

    host: Host

    @classmethod
    def start(cls, host: Host | None = None) -> Application:
        """With the installed plugins, unless a host is given."""
        return cls(host or Host.load())

    @cached_property
    def registry(self) -> Registry:
        """The components of all plugins."""
        return Registry.collect(self.host)


def application_of(context: click.Context) -> Application:
    """The application that a command was called with."""
    return cast("Application", context.obj)


def run_folder(run: Path) -> Path:
    """The run directory that a command is given: a folder, or the name of one below `runs/`."""
    return run if run.exists() or not (Path("runs") / run).exists() else Path("runs") / run
