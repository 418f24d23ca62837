import pytest
import torch
from torch.nn import Linear, ModuleList
from transformers import BertConfig, BertLMHeadModel, LlamaConfig, T5Config

from steerkit_core import ModelError
from steerkit_core.testing import tiny_model
from steerkit_families.fallback import Fallback

EXPECTED = (
    "expected one ModuleList of {wanted} whose members have an attention (self_attn, self_attention, attn,"
    " attention) and an mlp (mlp, feed_forward, ffn, block_sparse_moe) each (lists seen: {seen}): write a"
    " model adapter for {model_type!r}"
)


def refused(model):
    with pytest.raises(ModelError) as caught:
        Fallback().blocks(model)
    return str(caught.value)


@pytest.mark.parametrize(("family", "place"), [("llama", "model.layers"), ("gpt2", "transformer.h")])
def test_the_blocks_of_common_decoders(family, place):
    model = tiny_model(family, layers=2)
    blocks = Fallback().blocks(model)
    assert blocks is model.get_submodule(place)
    attention = {"llama": "self_attn", "gpt2": "attn"}[family]
    assert Fallback().attention(blocks[0]) is getattr(blocks[0], attention)
    assert Fallback().mlp(blocks[0]) is blocks[0].mlp


def test_it_is_asked_last():
    assert Fallback().priority < 0


def test_it_serves_decoders_only():
    assert Fallback().serves(LlamaConfig())
    assert not Fallback().serves(T5Config())


def test_an_encoder_whose_layers_have_other_parts(says):
    sizes = {"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 32}
    model = BertLMHeadModel(BertConfig(vocab_size=50, num_hidden_layers=2, **sizes))
    says(refused(model))


def test_a_list_of_another_length(says):
    model = tiny_model("llama", layers=2)
    model.config.num_hidden_layers = 3
    says(refused(model))


def test_no_list_at_all(says):
    model = tiny_model("llama", layers=2)
    model.model.layers = torch.nn.Sequential(*model.model.layers)
    says(refused(model))


def test_two_lists_that_would_do(says):
    model = tiny_model("llama", layers=2)
    model.draft = ModuleList(model.model.layers)
    says(refused(model))


def test_other_lists_do_not_disturb():
    model = tiny_model("llama", layers=2)
    model.heads = ModuleList([Linear(2, 2), Linear(2, 2)])
    assert Fallback().blocks(model) is model.model.layers
