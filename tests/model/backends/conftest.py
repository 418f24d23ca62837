from functools import cache

import attrs
import pytest

from steerkit_core.testing import tiny_handle
from steerkit_core.values import Prompt

# of unlike lengths, so that a batch is padded
TEXTS = ("Hi", "How do I bake a cake for eleven people?", "What causes rainbows?")


@pytest.fixture(scope="session")
def handles(adapters):
    """`handles(family, backend)`: a tiny model, loaded once for each family and shared by the backends."""

    @cache
    def load(family, quantization):
        return tiny_handle(family, adapters, layers=3, hidden=32, seed=3, quantization=quantization)

    @cache
    def make(family, backend="hooks", quantization="none"):
        handle = load(family, quantization)
        return attrs.evolve(handle, spec=attrs.evolve(handle.spec, backend=backend))

    return make


@pytest.fixture(scope="session")
def prompts():
    return tuple(Prompt(f"p{number}", text) for number, text in enumerate(TEXTS))
