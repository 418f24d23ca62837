"""The plugins that ship with steerkit, as every test gets them: through the public door."""

from importlib import import_module

import pytest

from steerkit_core.host import Host
from steerkit_core.registry import Registry

# only these are needed to load a model; a test of another plugin registers it on its own host
PLUGINS = ("families",)


@pytest.fixture(scope="session")
def host():
    made = Host.load(points=[])
    for name in PLUGINS:
        made.register(import_module(f"steerkit_{name}"), name)
    return made


@pytest.fixture(scope="session")
def registry(host):
    made = Registry.collect(host)
    assert host.failed == ()
    return made


@pytest.fixture(scope="session")
def adapters(registry):
    names = registry.names("model adapter")
    return [registry.get("model adapter", name)() for name in names]
