"""The remote path: a dry run of it, in which every trace is packed and unpacked, and its refusals."""

import attrs
import pytest
import torch

from steerkit_core.cli import execute
from steerkit_core.errors import ModelError
from steerkit_core.generation import Row, generate
from steerkit_core.model.backends.remote import RemoteBackend
from steerkit_core.recipe.options import GenerationOptions
from steerkit_core.testing import tiny_handle
from steerkit_core.values import BLOCK_MODULES, Condition, Edit, Intervention

RECIPE = """
[model]
id = "Qwen/Qwen2.5-0.5B-Instruct"
remote = true
[prompts]
contrast = "refusal-5"
evaluation = "benign-30"
[extractor]
use = "dim"
[selector]
use = "fixed"
layer = 1
[site]
use = "residual-add"
[classifier]
use = "refusal-keywords"
"""


@pytest.fixture(scope="module")
def pair(adapters):
    """A tiny model by hooks, and the same as if it were remote: nnsight's dry run hides our modules."""
    from nnsight import TransformersModel

    local = tiny_handle("qwen2", adapters, layers=3)
    remote = attrs.evolve(local)
    wrapped = TransformersModel(local.model, tokenizer=local.tokenizer)
    remote.backend = RemoteBackend(local.model, local.adapter, wrapped, "local")
    return local, remote


@pytest.mark.parametrize("module", BLOCK_MODULES)
def test_activations_come_back_from_a_packed_trace(pair, prompts, module):
    local, remote = pair
    assert torch.equal(
        remote.activations(prompts, (-1, -2), module), local.activations(prompts, (-1, -2), module)
    )


def test_the_same_tokens_are_written_without_a_cache(pair, prompts, vector):
    local, remote = pair
    add, unit = 9 * vector(1), vector(2)
    low, high, _ = sorted((local.activations(prompts)[:, 0, 0] @ unit).tolist())
    condition = Condition(unit, 0, -1, (low + high) / 2)
    ways = [
        Intervention(),
        Intervention((Edit(1, add=add),)),
        Intervention((Edit(0, add=add, module="heads"),), "prompt"),
        Intervention((Edit(2, unit=unit, gain=2.0, module="mlp"), Edit(2, add=add)), "generated"),
        Intervention((Edit(1, add=2 * add),), "last"),
        Intervention((Edit(1, add=2 * add),), "suffix"),
        Intervention((Edit(1, add=2 * add),), "answer"),
        Intervention((Edit(1, add=2 * add, preserve_norm=True),)),
        Intervention((Edit(0, unit=unit, gain=1.0, preserve_norm=True),), "suffix"),
        Intervention((Edit(1, add=add),), condition=condition),
        Intervention((Edit(1, add=add),), condition=attrs.evolve(condition, when="below")),
    ]
    rows = [Row(prompt, way) for way in ways for prompt in prompts]
    options = GenerationOptions(max_new_tokens=5)
    expected = dict(generate(local, rows, options))
    assert dict(generate(remote, rows, options)) == expected
    by_way = [
        [expected[len(prompts) * way + row].token_ids for row in range(len(prompts))] for way in range(9)
    ]
    assert len(set(map(tuple, by_way))) >= 8
    met = remote.meets(prompts, condition)
    assert sorted(met) == [False, True, True]
    for way, side in ((9, True), (10, False)):
        for row, holds in enumerate(met):
            source = 1 if holds == side else 0
            assert expected[len(prompts) * way + row] == expected[len(prompts) * source + row]


@pytest.fixture
def ndif(monkeypatch):
    """Set what nnsight knows of the service, whatever this machine's user has set."""
    from nnsight.schema.config import CONFIG

    def configure(key, host="http://127.0.0.1:9"):
        monkeypatch.setattr(CONFIG.API, "APIKEY", key)
        monkeypatch.setattr(CONFIG.API, "HOST", host)

    return configure


def run(host, tmp_path, *changes):
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE)
    sets = [word for change in changes for word in ("--set", change)]
    return execute(["run", str(path), "--out", str(tmp_path / "run"), "--quiet", *sets], host)


def test_without_a_key_it_is_one_message_and_exit_2(host, tmp_path, capsys, ndif, says):
    ndif(None)
    assert run(host, tmp_path) == 2
    says(capsys.readouterr().err)


def test_a_service_that_cannot_be_reached_is_one_message_and_exit_2(host, tmp_path, capsys, ndif):
    ndif("some-key")
    assert run(host, tmp_path) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: model.remote: NDIF cannot be reached at http://127.0.0.1:9: ")
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({"email": None}, "model.remote: NDIF at http://127.0.0.1:9 does not know the API key that is set"),
        (
            {"email": "someone@example.org"},
            "model.remote: NDIF does not serve 'some/model' at present (served: another/model)",
        ),
    ],
)
def test_a_wrong_key_and_a_model_that_is_not_served_are_told_apart(monkeypatch, ndif, answers, message):
    from steerkit_core.model.backends.remote import check_access

    ndif("some-key")
    monkeypatch.setattr("nnsight.ndif.whoami", lambda: answers)
    monkeypatch.setattr("nnsight.ndif.status", lambda: {"another/model": {}})
    with pytest.raises(ModelError) as caught:
        check_access("some/model")
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("model.backend=hooks", "a remote model is reached through nnsight, got model.backend 'hooks'"),
        (
            "model.quantization=int8",
            "how a remote model is kept is the server's choice, got model.quantization 'int8'",
        ),
    ],
)
def test_what_only_a_local_model_can_give_is_refused_beforehand(host, tmp_path, capsys, change, message):
    assert run(host, tmp_path, change) == 2
    assert capsys.readouterr().err == f"error: model.remote: {message}\n"


def test_a_folder_is_no_remote_model(host, tmp_path, capsys):
    assert run(host, tmp_path, "model.id=bundled:qwen2-s") == 2
    assert "error: model.remote: NDIF serves repositories" in capsys.readouterr().err
