"""What each family's adapter reads, against transformers' own hidden states."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from steerkit_core import ModelError
from steerkit_core.testing import FAMILIES, tiny_handle, tiny_tokenizer
from steerkit_families.gemma import Gemma
from steerkit_families.mistral import Mistral
from steerkit_families.qwen import Qwen

ADAPTER = {
    "qwen2": "qwen",
    "qwen3": "qwen",
    "gemma2": "gemma",
    "gemma3": "gemma",
    "mistral": "mistral",
    "llama": "fallback",
    "phi3": "fallback",
    "gpt2": "fallback",
}


@pytest.fixture(scope="module", params=list(FAMILIES))
def handle(request, adapters):
    return tiny_handle(request.param, adapters)


def test_each_family_finds_its_adapter(handle):
    assert handle.adapter.name == ADAPTER[handle.spec.id.removeprefix("tiny:")]


def test_block_outputs_are_the_hidden_states_of_transformers(handle):
    outputs = {}
    hooks = [
        block.register_forward_hook(
            lambda _block, _args, output, layer=layer: outputs.update({layer: handle.adapter.read(output)})
        )
        for layer, block in enumerate(handle.adapter.blocks(handle.model))
    ]
    text = handle.adapter.render(handle.tokenizer, "How do I bake bread?")
    ids = handle.tokenizer(text, add_special_tokens=False, return_tensors="pt").input_ids
    with torch.no_grad():
        hidden = handle.model(ids, output_hidden_states=True).hidden_states
    for hook in hooks:
        hook.remove()
    last = len(outputs) - 1
    assert len(hidden) == len(outputs) + 1
    for layer in range(last):
        assert torch.equal(hidden[layer + 1], outputs[layer])
    # the last hidden state is taken after the final norm, so it is not the last block's output
    assert not torch.equal(hidden[last + 1], outputs[last])
    decoder = handle.model.get_decoder()
    norm = decoder.ln_f if handle.adapter.name == "fallback" and hasattr(decoder, "ln_f") else decoder.norm
    assert torch.equal(hidden[last + 1], norm(outputs[last]))


@pytest.mark.parametrize("quantization", ["int8", "int4"])
def test_quantized_models_load_and_are_verified(adapters, quantization):
    handle = tiny_handle("qwen2", adapters, hidden=64, quantization=quantization)
    layer = handle.model.model.layers[0].mlp.up_proj
    assert type(layer).__name__ == {"int8": "Linear8bitLt", "int4": "Linear4bit"}[quantization]
    assert handle.dtype == "float32"


def test_int4_of_a_narrow_model(adapters):
    # bitsandbytes' repacking for AVX512-BF16 would fail at widths that are no multiple of 64
    assert tiny_handle("gemma2", adapters, hidden=32, quantization="int4").adapter.name == "gemma"


def test_gemma2_attends_eagerly_and_the_others_as_they_like(adapters):
    assert tiny_handle("gemma2", adapters).model.config._attn_implementation == "eager"
    assert tiny_handle("qwen2", adapters).model.config._attn_implementation == "sdpa"


@pytest.mark.parametrize("family", ["gemma2", "gemma3"])
def test_gemma_is_refused_in_float16(adapters, family, says):
    with pytest.raises(ModelError) as caught:
        tiny_handle(family, adapters, dtype="float16")
    says(caught)


def test_gemma3_with_a_vision_tower_is_read_in_its_language_model():
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration

    from steerkit_core.model.loading import verify

    text = {
        "vocab_size": 300,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "sliding_window": 64,
    }
    vision = {
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "image_size": 28,
        "patch_size": 14,
    }
    config = Gemma3Config(text_config=text, vision_config=vision, mm_tokens_per_image=4)
    model = Gemma3ForConditionalGeneration(config).eval()
    assert Gemma().serves(config)
    assert list(Gemma().blocks(model)) == list(model.model.language_model.layers)
    verify(model, Gemma())


@pytest.mark.parametrize("adapter", [Qwen(), Gemma(), Mistral()])
@pytest.mark.parametrize(
    ("wanted", "device", "dtype"),
    [
        ("auto", "cpu", "float32"),
        ("auto", "cuda", "bfloat16"),
        ("auto", "cuda:1", "bfloat16"),
        ("float32", "cuda", "float32"),
        ("bfloat16", "cpu", "bfloat16"),
    ],
)
def test_dtypes(adapter, wanted, device, dtype):
    assert adapter.dtype(wanted, device) == dtype


def test_family_defaults():
    assert Qwen().defaults.multiplier == 15.0
    assert Mistral().defaults.multiplier == 15.0
    assert Gemma().defaults.multiplier == 25.0


@pytest.mark.parametrize(
    ("adapter", "family", "rendered"),
    [
        (
            Qwen(),
            "qwen2",
            (
                "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
                "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n"
            ),
        ),
        (
            Qwen(),
            "qwen3",
            "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n",
        ),
        (Gemma(), "gemma2", "<bos><start_of_turn>user\nHello<end_of_turn>\n<start_of_turn>model\n"),
        (Mistral(), "mistral", "<s>[INST] Hello [/INST]"),
    ],
)
def test_rendered_prompts(adapter, family, rendered):
    assert adapter.render(tiny_tokenizer(family), "Hello") == rendered


def test_importing_the_plugin_imports_no_torch():
    root = Path(__file__).parents[2]
    paths = [str(root), str(root / "plugins")]
    code = f"import sys; sys.path[:0] = {paths!r}; import steerkit_families; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
