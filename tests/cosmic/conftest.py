"""What the tests of COSMIC share; puts this folder on the path, where the naive implementation lies."""

import sys
from functools import cache
from pathlib import Path

import pytest
from attrs import define

sys.path.insert(0, str(Path(__file__).parent))

from steerkit_contrib_cosmic import Cosmic
from steerkit_core.recipe.prompts import contrast_set
from steerkit_core.testing import KitContrast, tiny_handle
from steerkit_core.values import ContrastSet, DirectionSet
from steerkit_dim import DifferenceInMeans


@define
class Given:
    """A selection context for a selector that generates nothing."""

    model: object
    directions: DirectionSet
    contrast: ContrastSet
    validation: ContrastSet
    prompts: tuple = ()

    def run(self, trials):
        raise AssertionError


@pytest.fixture(scope="session")
def halves():
    """Three prompts of each class to extract with, and three others to validate with."""
    whole = contrast_set(KitContrast.name, KitContrast().prompts())
    return (
        ContrastSet("training", whole.positive[:3], whole.negative[:3]),
        ContrastSet("held-out", whole.positive[3:6], whole.negative[3:6]),
    )


@pytest.fixture(scope="session")
def tiny(adapters):
    """`tiny(family)`: five layers, made once."""
    return cache(lambda family: tiny_handle(family, adapters, layers=5, hidden=32, seed=3))


@pytest.fixture(scope="session")
def context(halves):
    """`context(handle, **extractor options)`: difference in means, as the authors read it by default."""

    def make(handle, **options):
        extractor = DifferenceInMeans(**({"position": (-2, -1), "module": "input"} | options))
        contrast, validation = halves
        found = extractor.extract(handle, contrast, range(handle.num_layers))
        return Given(handle, found, contrast, validation)

    return make


@pytest.fixture(scope="session")
def table():
    """`table(context, **options)`: the rows of a selection by (position, layer), and the selection."""

    def make(context, **options):
        chosen = Cosmic(**options).select(context)
        return {(row["position"], row["layer"]): row for row in chosen.table}, chosen

    return make
