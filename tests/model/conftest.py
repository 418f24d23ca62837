"""The tiny models that both rooms, generation and model, are tried on."""

import pytest
from tiny_handles import handles, naive_generate, prompts  # noqa: F401  # reason: fixtures

from steerkit_core.testing import save_tiny


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    return save_tiny("llama", tmp_path_factory.mktemp("saved") / "m", layers=2, hidden=16)
