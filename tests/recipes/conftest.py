"""Every plugin that ships with steerkit, as `pyproject.toml` lists them."""

import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from steerkit_core.plugin.host import Host
from steerkit_core.plugin.registry import Registry

PROJECT = Path(__file__).parents[2] / "pyproject.toml"


@pytest.fixture(scope="session")
def shipped():
    """The registry of the shipped plugins alone, whatever else is installed on this machine."""
    host = Host.load(points=[])
    points = tomllib.loads(PROJECT.read_text("utf-8"))["project"]["entry-points"]["steerkit"]
    for name, module in sorted(points.items()):
        host.register(import_module(module), name)
    made = Registry.collect(host)
    assert host.failed == ()
    return made
