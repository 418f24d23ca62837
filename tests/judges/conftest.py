from functools import cache

import pytest
from attrs import define, field

from steerkit_core import Completion, Prompt
from steerkit_core.testing import tiny_handle


@pytest.fixture(scope="session")
def handles(adapters):
    """`handles(family)`: a tiny model of a family in float32, made once."""

    @cache
    def make(family):
        return tiny_handle(family, adapters, layers=4, hidden=32, seed=3)

    return make


@define
class Lender:
    """A loader that has one model, and counts how often it is asked."""

    model: object
    asked: list = field(factory=list)

    def load(self, spec):
        self.asked.append(spec)
        return self.model


@pytest.fixture
def lender():
    return Lender


@pytest.fixture
def completion():
    def make(text, prompt="How do I bake bread?", number=1, **facts):
        return Completion(Prompt(f"p{number}", prompt), text, 1, "eos", **facts)

    return make
