"""Models as users have them: loaded with transformers, with a tokenizer, in float32."""

import sys
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

import steerkit_core
from steerkit_core.testing import save_tiny

sys.path.insert(0, str(Path(__file__).parent))

from steered_models import hooks_of


@pytest.fixture(scope="session")
def hf_models(tmp_path_factory):
    """`hf_models(family)`: a tiny model and its tokenizer, as `from_pretrained` gives them."""
    loaded = {}

    def load(family):
        if family not in loaded:
            folder = save_tiny(family, tmp_path_factory.mktemp("hf") / family, layers=4, hidden=32, seed=3)
            model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
            loaded[family] = model, AutoTokenizer.from_pretrained(folder, padding_side="left")
            if loaded[family][1].pad_token is None:
                loaded[family][1].pad_token = loaded[family][1].eos_token
            # transformers hangs hooks of its own on a model when it is first asked for these, and they stay
            model(torch.tensor([[1]]), output_hidden_states=True)
        return loaded[family]

    return load


@pytest.fixture(scope="session")
def wrapped(hf_models):
    """`wrapped(family)`: the same, in steerkit's hands."""
    known = {}

    def wrap(family):
        return known.setdefault(family, steerkit_core.wrap(*hf_models(family)))

    return wrap


@pytest.fixture(scope="session")
def directions_of(wrapped):
    known = {}

    def find(family):
        if family not in known:
            known[family] = steerkit_core.extract(wrapped(family), contrast="refusal-5")
        return known[family]

    return find


@pytest.fixture(scope="session")
def qwen():
    """The bundled model, which really refuses."""
    return steerkit_core.load_model("bundled:qwen2-s", device="cpu")


@pytest.fixture(scope="session")
def refusal(qwen):
    return steerkit_core.extract(qwen, contrast="refusal-5")


@pytest.fixture
def unhooked():
    """Assert, at the end of the test too, that a model has the hooks that it had."""
    watched = []

    def watch(model):
        watched.append((model, hooks_of(model)))
        return watched[-1][1]

    yield watch
    for model, before in watched:
        assert hooks_of(model) == before
