"""`steerkit parity` and the check in the manifest: they agree where they should, and notice when not."""

import json
import subprocess
import sys

import pytest
import torch
from as_json import as_json

from steerkit_core.cli import execute
from steerkit_core.model.backends.nnsight import NNsightBackend
from steerkit_core.model.parity import TOLERANCE, check_parity, compare, readable_modules
from steerkit_core.plugin.registry import Registry
from steerkit_core.recipe.parsing import parse_recipe
from steerkit_core.testing import TinyModels
from steerkit_core.values import BLOCK_MODULES

FAMILIES = ("qwen2", "gemma2", "mistral", "gpt2", "phi3", "llama")


@pytest.fixture
def tiny_host(own_host, tmp_path):
    own_host.register(TinyModels(tmp_path / "models"), "tiny")
    return own_host


@pytest.mark.parametrize("family", FAMILIES)
def test_both_backends_and_transformers_agree_at_every_place(handles, prompts, family):
    handle = handles(family)
    found = compare(handle, prompts[0], ("nnsight", "transformers"), readable_modules(handle))
    assert len(found) == handle.num_layers * (len(BLOCK_MODULES) + 1)
    assert all(agreement.holds(TOLERANCE) for agreement in found)
    # a scale of nothing would make any difference hold
    assert all(agreement.scale > 0 for agreement in found)


@pytest.mark.parametrize("quantization", ["int8", "int4"])
def test_they_agree_when_quantized(handles, prompts, quantization):
    handle = handles("qwen2", "nnsight", quantization)
    found = check_parity(handle, prompts[1])
    assert (found.prompt, found.agrees, found.witnesses) == (
        "p1",
        True,
        ("nnsight", "transformers"),
    )


def test_the_last_layer_is_compared_after_the_final_norm(handles, prompts):
    handle = handles("gemma2")
    last = compare(handle, prompts[0], ("transformers",), ("residual",))[-1]
    ids = torch.tensor([handle.encode(prompts[0])])
    with torch.no_grad():
        normed = handle.model(ids, output_hidden_states=True).hidden_states[-1]
    assert last.scale == pytest.approx(float(normed.abs().max()), rel=1e-5)
    assert last.holds(TOLERANCE)


def shift_one_place(monkeypatch, module, size):
    """Let nnsight see one number that is `size` off, in `module` of block 1."""
    original = NNsightBackend.observe

    def observe(self, inputs, places, keep):
        def changed(place, found):
            if (place.layer, place.module) == (1, module):
                found = found.clone()
                found[0, -1, 0] += size
            keep(place, found)

        original(self, inputs, places, changed)

    monkeypatch.setattr(NNsightBackend, "observe", observe)


@pytest.mark.parametrize("module", ["residual", "mlp"])
def test_a_difference_is_shown_and_exits_1(tiny_host, monkeypatch, capsys, module):
    shift_one_place(monkeypatch, module, 5.0)
    assert execute(["parity", "tiny:qwen2", "--device", "cpu", "--json"], tiny_host) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["agrees"] is False
    wrong = [place for place in report["places"] if not place["agrees"]]
    assert [(place["module"], place["layer"], place["witness"]) for place in wrong] == [
        (module, 1, "nnsight")
    ]
    assert wrong[0]["difference"] == pytest.approx(5.0, rel=1e-5)


def test_agreement_is_a_table_and_exits_0(tiny_host, capsys):
    assert execute(["parity", "tiny:mistral", "--device", "cpu"], tiny_host) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == [
        "module",
        "layer",
        "hooks",
        "against",
        "cosine",
        "largest",
        "difference",
        "of",
    ]
    assert lines[-1] == "tiny:mistral: all 24 agree, within 0.0001"
    assert sum(line.startswith("heads") for line in lines) == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["bundled:qwen3-s"], "no bundled model named 'qwen3-s', did you mean 'qwen2-s'?"),
        (["tiny:qwen2", "--quantization", "int2"], "'int2' is not one of"),
        (["tiny:qwen2", "--tolerance", "-1"], "-1.0 is not in the range"),
        (["tiny:qwen2", "--device", "tpu"], "there is no device 'tpu' here"),
    ],
)
def test_bad_input_is_one_message_and_exits_2(tiny_host, capsys, arguments, message):
    assert execute(["parity", *arguments], tiny_host) == 2
    assert message in capsys.readouterr().err


def test_a_run_keeps_its_backend_and_a_check_of_one_prompt(tiny_host, tmp_path):
    import tomlkit

    from steerkit_core.pipeline.recipe_run import run_recipe
    from steerkit_core.testing.small_run import TABLES

    (tmp_path / "two.txt").write_text("What is a fern?\nName a colour.\n")
    registry = Registry.collect(tiny_host)
    kept = {}
    for backend in ("auto", "nnsight"):
        tables = {
            **TABLES,
            "model": {**TABLES["model"], "backend": backend},
            "prompts": {"contrast": "refusal-5", "evaluation": "two.txt"},
        }
        recipe = parse_recipe(tomlkit.dumps(tables), registry, folder=tmp_path)
        report = as_json(run_recipe(recipe, registry, tmp_path / backend))
        (model,) = json.loads((tmp_path / backend / "manifest.json").read_text())["models"]
        kept[backend] = (model["backend"], model["parity"]["witnesses"], report["cells"])
        assert model["parity"]["agrees"] is True
        assert model["parity"]["cosine"] == pytest.approx(1.0, abs=1e-9)
        assert model["parity"]["prompt"] == recipe.settings[0].contrast.negative[0].id
    assert kept["auto"][:2] == ("hooks", ["transformers"])
    assert kept["nnsight"][:2] == ("nnsight", ["nnsight", "transformers"])
    # the backend is no part of a cell's name, because it changes no number
    assert kept["auto"][2] == kept["nnsight"][2]


def test_a_site_needs_an_extractor_that_reads_what_it_edits(tiny_host, capsys, tmp_path, says):
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        '[model]\nid = "tiny:qwen2"\n[prompts]\ncontrast = "refusal-5"\nevaluation = "benign-30"\n'
        '[extractor]\nuse = "dim"\nmodule = "residual"\n[selector]\nuse = "fixed"\nlayer = 1\n'
        '[site]\nuse = "head-add"\n'
        '[classifier]\nuse = "refusal-keywords"\n'
    )
    assert execute(["check", str(recipe)], tiny_host) == 2
    says(capsys.readouterr().err)
    assert execute(["check", str(recipe), "--set", "extractor.module=heads"], tiny_host) == 0


def test_a_head_that_the_model_has_not_is_one_message_and_exits_2(tiny_host, capsys, tmp_path, says):
    recipe = tmp_path / "recipe.toml"
    (tmp_path / "one.txt").write_text("What is a fern?\n")
    recipe.write_text(
        '[model]\nid = "tiny:qwen2"\n[prompts]\ncontrast = "refusal-5"\nevaluation = "one.txt"\n'
        '[extractor]\nuse = "dim"\nmodule = "heads"\n[selector]\nuse = "fixed"\nlayer = 1\n'
        '[site]\nuse = "head-add"\nheads = [1, 4]\n[classifier]\nuse = "refusal-keywords"\n'
    )
    assert execute(["run", str(recipe), "--out", str(tmp_path / "run"), "--quiet"], tiny_host) == 2
    says(capsys.readouterr().err)


def test_a_run_by_hooks_does_not_import_nnsight():
    code = (
        "import sys\n"
        "from steerkit_core.testing import installed_adapters, tiny_handle\n"
        "from steerkit_core.model.parity import check_parity\n"
        "from steerkit_core.values import Prompt\n"
        "handle = tiny_handle('qwen2', installed_adapters(), layers=1)\n"
        "assert check_parity(handle, Prompt('p', 'Hi')).agrees\n"
        "sys.exit('nnsight' in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
