"""Model folders: what is loaded, and what is said of those that cannot be."""

import json
import logging
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from bitsandbytes.cextension import ErrorHandlerMockBNBNativeLibrary
from loading_cases import load, refused
from safetensors.torch import load_file, save_file

from steerkit_core import ModelSpec, load_pretrained
from steerkit_core.model.loading import choose_adapter, choose_device, fingerprint_folder
from steerkit_core.model.loading.problems import explained
from steerkit_core.model.loading.quantize import check_support, quiet_bitsandbytes


@pytest.fixture
def folder(saved, tmp_path, monkeypatch):
    """A copy of the model as `m` in the working directory, so that messages have a short path."""
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(saved, "m"))


def edit_json(path, **changes):
    table = json.loads(path.read_text())
    table.update(changes)
    path.write_text(json.dumps({key: value for key, value in table.items() if value is not None}))


def edit_weights(folder, change):
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def test_a_folder_is_loaded_ready_to_be_steered(folder, adapters):
    spec = ModelSpec(id="m", device="cpu")
    handle = load_pretrained(spec, adapters)
    assert handle.spec is spec
    assert (handle.adapter.name, handle.dtype, handle.revision) == ("fallback", "float32", "")
    assert handle.fingerprint == fingerprint_folder(folder)
    assert not handle.model.training
    assert not any(parameter.requires_grad for parameter in handle.model.parameters())
    assert {parameter.dtype for parameter in handle.model.parameters()} == {torch.float32}
    assert handle.tokenizer.padding_side == "left"
    assert handle.tokenizer.pad_token == handle.tokenizer.eos_token == "<|eot_id|>"


def test_the_folder_that_a_hook_named_is_loaded(folder, adapters):
    handle = load_pretrained(ModelSpec(id="any:name", device="cpu"), adapters, folder=folder)
    assert handle.fingerprint == fingerprint_folder(folder)


@pytest.mark.usefixtures("folder")
def test_a_dtype_that_was_asked_for(adapters):
    handle = load_pretrained(ModelSpec(id="m", device="cpu", dtype="bfloat16"), adapters)
    assert handle.dtype == "bfloat16"
    assert handle.model.dtype == torch.bfloat16


@pytest.mark.usefixtures("folder")
def test_loading_prints_nothing(adapters, capfd):
    load_pretrained(ModelSpec(id="m", device="cpu", quantization="int8"), adapters)
    assert capfd.readouterr() == ("", "")


def test_only_the_two_known_messages_of_bitsandbytes_are_dropped(caplog):
    quiet_bitsandbytes()
    logger = logging.getLogger("bitsandbytes.autograd._functions")
    logger.warning("MatMul8bitLt: inputs will be cast from %s to float16 during quantization", "float32")
    logger.warning("something new")
    assert [record.message for record in caplog.records] == ["something new"]


def test_devices(monkeypatch, says):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert choose_device("auto") == choose_device("cpu") == "cpu"
    says(refused(choose_device, "cuda"))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert choose_device("auto") == "cuda"
    assert choose_device("cuda:1") == "cuda:1"
    says(refused(choose_device, "cuda:2"))


def test_the_device_is_checked_first(adapters):
    message = "there is no device 'tpu' here (available: "
    assert refused(load, adapters, id="./no", device="tpu").startswith(message)


def adapter(name, priority, *model_types):
    return SimpleNamespace(
        name=name, priority=priority, serves=lambda config: config.model_type in model_types
    )


def test_the_adapter_of_the_highest_priority_that_serves():
    low, high = adapter("low", -1, "a", "b"), adapter("high", 5, "b")
    same = adapter("also", -1, "a")
    assert choose_adapter(SimpleNamespace(model_type="b"), [low, high]) is high
    assert choose_adapter(SimpleNamespace(model_type="a"), [low, high]) is low
    assert choose_adapter(SimpleNamespace(model_type="a"), [low, same]) is same


def test_no_adapter_serves(says):
    config = SimpleNamespace(model_type="x")
    says(refused(choose_adapter, config, [adapter("low", -1, "a"), adapter("high", 5, "b")]))
    says(refused(choose_adapter, config, []))


def test_what_the_folder_lacks_is_said_before_anything_is_loaded(folder, adapters, says):
    (folder / "chat_template.jinja").unlink()
    says(refused(load, adapters))


def test_weights_that_are_only_a_pickle(folder, adapters, says):
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    says(refused(load, adapters))


def test_weights_that_are_missing(folder, adapters, says):
    edit_weights(folder, lambda weights: weights.pop("model.layers.1.mlp.up_proj.weight"))
    says(refused(load, adapters))


def test_weights_of_another_shape(folder, adapters, says):
    edit_json(folder / "config.json", intermediate_size=24)
    says(refused(load, adapters))


def test_weights_that_nobody_uses_are_worth_a_warning(folder, adapters):
    edit_json(folder / "config.json", num_hidden_layers=1)
    message = (
        "model folder 'm' has 9 weights that its architecture does not use, such as"
        " 'model.layers.1.input_layernorm.weight'"
    )
    with pytest.warns(UserWarning, match=f"^{re.escape(message)}$"):
        load(adapters)


def test_a_damaged_weights_file(folder, adapters, says):
    (folder / "model.safetensors").write_bytes(b"12345")
    says(refused(load, adapters))


def test_a_tokenizer_that_cannot_be_read(folder, adapters, says):
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.txt").write_text("")
    says(refused(load, adapters))


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ('{"version": "1.0", broken', "JSONDecodeError: Expecting property name enclosed in double quotes"),
        ('{"version": "1.0", "model": {"type": "BPE"}}', "KeyError: 'added_tokens'"),
    ],
)
def test_a_damaged_tokenizer(content, found, folder, adapters):
    (folder / "tokenizer.json").write_text(content)
    assert refused(load, adapters).startswith(f"model folder 'm' has a damaged tokenizer: {found}")


def test_a_tokenizer_without_any_end(folder, adapters, says):
    edit_json(folder / "tokenizer_config.json", eos_token=None)
    says(refused(load, adapters))


def test_an_architecture_that_transformers_does_not_know(folder, adapters, says):

    edit_json(folder / "config.json", model_type="unheard-of")
    says(refused(load, adapters))


def test_an_architecture_that_writes_no_text(folder, adapters, says):
    edit_json(folder / "config.json", model_type="vit")
    says(refused(load, adapters))


def test_a_folder_that_is_quantized_already(folder, adapters, says):
    edit_json(folder / "config.json", quantization_config={"quant_method": "gptq", "bits": 4})
    says(refused(load, adapters))


def test_code_of_its_own_without_trust(folder, adapters, says):
    edit_json(folder / "config.json", auto_map={"AutoConfig": "code.Config"})
    says(refused(load, adapters))


@pytest.mark.usefixtures("folder")
def test_bitsandbytes_without_support(adapters, monkeypatch, says):
    def unsupported(**_options):
        raise RuntimeError("None of the available devices are supported by the bitsandbytes version")

    monkeypatch.setattr("transformers.integrations.validate_bnb_backend_availability", unsupported)
    says(refused(load, adapters, quantization="int8"))


def test_a_device_that_bitsandbytes_does_not_know(monkeypatch, says):
    monkeypatch.setattr("bitsandbytes.supported_torch_devices", {"cpu", "cuda"})
    check_support("none", "mps")
    check_support("int4", "cuda:1")
    says(refused(check_support, "int4", "mps"))


def test_a_bitsandbytes_without_its_library_for_the_device(monkeypatch, says):
    stand_in = ErrorHandlerMockBNBNativeLibrary("libcudart.so: cannot open shared object file")
    monkeypatch.setattr("bitsandbytes.cextension.lib", stand_in)
    check_support("int8", "cpu")
    says(refused(check_support, "int8", "cuda"))


@pytest.mark.usefixtures("folder")
def test_a_device_on_which_bitsandbytes_fails_at_the_first_product(adapters, monkeypatch, says):
    def unsupported(*_arguments, **_options):
        raise NotImplementedError("Could not run 'bitsandbytes::int8_linear_matmul' with the 'MPS' backend")

    monkeypatch.setattr("bitsandbytes.nn.modules.Linear8bitLt.forward", unsupported)
    says(refused(load, adapters, quantization="int8"))


def test_a_model_that_does_not_fit(says):
    def too_big():
        with explained("x", "model folder 'x'"):
            raise torch.OutOfMemoryError("CUDA out of memory")

    says(refused(too_big))


def test_what_only_a_bug_can_cause_keeps_its_traceback():
    with pytest.raises(ValueError, match="a bug"), explained("x", "model folder 'x'"):
        raise ValueError("a bug")


def test_a_fingerprint_is_the_content(folder, saved):
    before = fingerprint_folder(folder)
    assert before == fingerprint_folder(saved)
    (folder / "README.md").write_text("no part of the model")
    assert fingerprint_folder(folder) == before


@pytest.mark.parametrize(
    "name", ["config.json", "tokenizer.json", "chat_template.jinja", "generation_config.json"]
)
def test_a_fingerprint_sees_every_file_that_matters(folder, name):
    before = fingerprint_folder(folder)
    with (folder / name).open("a") as stream:
        stream.write(" ")
    assert fingerprint_folder(folder) != before


def test_a_fingerprint_sees_a_single_weight(folder):
    before = fingerprint_folder(folder)

    def nudge(weights):
        weights["model.embed_tokens.weight"][7, 3] += 1

    edit_weights(folder, nudge)
    assert fingerprint_folder(folder) != before


def test_naming_the_loader_imports_no_torch():
    root = str(Path(__file__).parents[2])
    code = f"import sys; sys.path.insert(0, {root!r}); import steerkit_core; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
