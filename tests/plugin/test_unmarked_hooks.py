"""A hook without its decorator would never be called."""

from types import SimpleNamespace

import pytest

from steerkit_core import PluginError, hookimpl
from steerkit_core.plugin.host import Host


def register(**names):
    host = Host.load(points=[])
    host.register(SimpleNamespace(**names), "mine")
    return host


def test_a_hook_without_its_decorator_makes_the_plugin_fail(says):
    with pytest.raises(PluginError) as caught:
        register(steerkit_register_sites=list)
    says(caught)


def test_a_plugin_may_have_names_of_its_own():
    @hookimpl
    def steerkit_register_sites():
        return []

    host = register(steerkit_register_sites=steerkit_register_sites, steerkit_version="1", sites=list)
    assert host.failed == ()
