"""What every component owes, whatever its kind."""

from __future__ import annotations

import inspect
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast

import attrs
import pytest

from steerkit_core.components import Component
from steerkit_core.errors import PluginError
from steerkit_core.recipe.converter import make_converter, type_words
from steerkit_core.testing.installed import installed_registry

if TYPE_CHECKING:
    from pathlib import Path

NAME = re.compile(r"[a-z0-9]+([-.][a-z0-9]+)*")
NOT_FOUND = 9
BUILD = f"""
import importlib, json, sys
module, name, options = json.loads(sys.argv[1])
try:
    component = getattr(importlib.import_module(module), name)
except ModuleNotFoundError as error:
    sys.exit({NOT_FOUND} if error.name and (module + '.').startswith(error.name + '.') else str(error))
from steerkit_core.recipe.converter import make_converter
made = make_converter().structure(options, component)
if hasattr(made, 'prompts') and callable(made.prompts):
    made.prompts()
sys.exit('torch was imported' if 'torch' in sys.modules else 0)
"""


class ComponentContract:
    """Tests of a component as such. `options` are given as a recipe would give them."""

    component: ClassVar[type[Component]]
    options: ClassVar[Mapping[str, Any]] = {}

    def build(self) -> Any:
        """The component, built from its options as from a recipe."""
        return make_converter().structure(dict(self.recipe_options()), self.component)

    def recipe_options(self) -> Mapping[str, Any]:
        """The options that `build` gives; override it where they are known only at run time."""
        return self.options

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        """A folder for the small run."""
        return tmp_path

    def test_a_plugin_can_register_it(self) -> None:
        try:
            installed_registry(self.component)
        except PluginError as error:
            raise AssertionError(str(error)) from error

    def test_its_name_can_stand_in_a_recipe(self) -> None:
        name = self.component.name
        assert NAME.fullmatch(name), (
            f"name is {name!r}, expected words of small letters and digits, with hyphens between"
        )

    def test_it_says_what_it_is(self) -> None:
        text = inspect.cleandoc(vars(self.component).get("__doc__") or "")
        first = text.partition("\n")[0].strip()
        assert first, (
            f"{self.component.__name__} has no docstring; its first line stands in `steerkit plugins`"
        )

    def test_it_is_frozen_and_hashable(self) -> None:
        made = self.build()
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            made.anything = 1
        assert made == self.build(), "two components with the same options differ"
        assert hash(made) == hash(self.build()), "two components with the same options hash differently"

    def test_every_option_has_a_type_and_a_help(self) -> None:
        component = cast("Any", self.component)
        attrs.resolve_types(component)
        for attribute in attrs.fields(component):
            text = attribute.metadata.get("help", "")
            assert text.strip(), f"option {attribute.name!r} has no help"
            assert "\n" not in text, f"the help of option {attribute.name!r} is more than one line"
            assert attribute.type is not None, f"option {attribute.name!r} has no type"
            assert type_words(attribute.type), f"option {attribute.name!r} has a type without words"

    def test_its_options_survive_a_recipe(self) -> None:
        """Options, those left to their defaults included, can be written to TOML and read back."""
        import tomlkit

        made = self.build()
        table = {key: value for key, value in attrs.asdict(made).items() if value is not None}
        read = tomlkit.parse(tomlkit.dumps(json.loads(json.dumps(table)))).unwrap()
        again = make_converter().structure(read, self.component)
        assert again == made, f"a recipe with {read!r} builds {again!r}, expected {made!r}"

    def test_building_it_imports_no_torch(self) -> None:
        """A recipe is checked before torch is imported, so that a typing mistake shows at once."""
        if self.component.__module__ == type(self).__module__:
            pytest.skip(f"until {self.component.__name__} is in a module of its own, without tests")
        call = json.dumps([self.component.__module__, self.component.__name__, dict(self.recipe_options())])
        path = os.pathsep.join(filter(None, sys.path))
        done = subprocess.run(  # noqa: S603  # reason: this interpreter, and a program of our own
            [sys.executable, "-c", BUILD, call],
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == NOT_FOUND:
            pytest.skip(f"until module {self.component.__module__!r} can be imported by its name")
        assert done.returncode == 0, done.stderr.strip().rpartition("\n")[2]
