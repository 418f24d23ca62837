"""The plugins that ship with steerkit, as every test gets them: through the public door."""

from importlib import import_module

import pytest
import torch

from steerkit_core.host import Host
from steerkit_core.registry import Registry

# tiny models gain nothing from more, and lose a lot where other processes want the cores too
torch.set_num_threads(1)

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
