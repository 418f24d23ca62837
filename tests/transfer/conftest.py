from typing import ClassVar
from zlib import crc32

import pytest
from attrs import frozen

from steerkit_core import Classifier, Verdict
from steerkit_core.model.loaded_models import LoadedModels
from steerkit_core.plugin.registry import Registry
from steerkit_core.recipe.direction_sources import RunSources
from steerkit_core.testing import TinyModels
from steerkit_core.testing.installed import plugin_of

TEXT = """\
[run]
name = "pairs"

[model]
id = "{target}"
device = "cpu"

[prompts]
contrast = "refusal-5"
evaluation = "three.txt"

[extractor]
{extractor}

[selector]
use = "fixed"
layer = 2

[site]
use = "residual-add"
multiplier = 2.0

[classifier]
use = "starts-low"

[generation]
max_new_tokens = 4
"""


@frozen(kw_only=True)
class StartsLow(Classifier):
    """Calls about half of the noise that tiny models write a refusal."""

    name: ClassVar[str] = "starts-low"
    labels: ClassVar[tuple[str, ...]] = ("refusal", "normal")

    def classify(self, prompt, text):
        return Verdict("refusal" if crc32(text.encode()) % 2 else "normal")


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tiny")


@pytest.fixture
def tiny_registry(own_host, tiny_folder):
    own_host.register(TinyModels(tiny_folder), "tiny")
    own_host.register(plugin_of(StartsLow), "judge")
    return Registry.collect(own_host)


@pytest.fixture
def sources(tiny_registry):
    return RunSources(tiny_registry, LoadedModels(tiny_registry))


@pytest.fixture
def recipe_file(tmp_path):
    """Write a recipe and its prompts; returns its path."""

    def write(extractor='use = "dim"', target="tiny:qwen2"):
        (tmp_path / "three.txt").write_text("What is a verb?\nHow do I bake?\nTell me a joke\nWhy?\n")
        path = tmp_path / "recipe.toml"
        path.write_text(TEXT.replace("{target}", target).replace("{extractor}", extractor))
        return path

    return write
