"""The plugins that ship with steerkit, as every test gets them: through the public door."""

from importlib import import_module

import pytest
import torch

from steerkit_core.host import Host
from steerkit_core.registry import Registry
from steerkit_core.testing import save_tiny

PLUGINS = ("bundled", "depth", "dim", "families", "keywords", "prompts", "recipes", "residual")

# one thread per process: tiny models gain nothing from more, and a sum has one order
torch.set_num_threads(1)


def first_party_host():
    """A host with the plugins that ship, whatever else is installed."""
    made = Host.load(points=[])
    for name in PLUGINS:
        made.register(import_module(f"steerkit_{name}"), name)
    return made


@pytest.fixture(scope="session")
def host():
    return first_party_host()


@pytest.fixture
def own_host():
    """A host that a test may add plugins to."""
    return first_party_host()


@pytest.fixture(scope="session")
def registry(host):
    made = Registry.collect(host)
    assert host.failed == ()
    return made


@pytest.fixture(scope="session")
def adapters(registry):
    names = registry.names("model adapter")
    return [registry.get("model adapter", name)() for name in names]


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory):
    """A Qwen 2 of four layers and sixteen dimensions; its random weights never end an answer by intent."""
    return save_tiny("qwen2", tmp_path_factory.mktemp("models") / "tiny", layers=4, hidden=16)
