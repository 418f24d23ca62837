"""The examples of the public functions do what they show."""

import doctest
from importlib import import_module

import pytest


@pytest.mark.parametrize(
    ("module", "examples"),
    [
        ("steerkit_core.api.models", 7),
        ("steerkit_core.api.directions", 5),
        ("steerkit_core.api.texts", 8),
        ("steerkit_core.components.model", 4),
        ("steerkit_core.model.handle", 5),
    ],
)
def test_examples(module, examples):
    found = doctest.testmod(import_module(module))
    assert (found.failed, found.attempted) == (0, examples)
