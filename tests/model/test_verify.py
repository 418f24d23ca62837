from typing import ClassVar

import pytest
import torch
from attrs import frozen

from steerkit_core import ModelAdapter, ModelError
from steerkit_core.model.loading import verify
from steerkit_core.testing import tiny_model


@frozen(kw_only=True)
class Right(ModelAdapter):
    name: ClassVar[str] = "test"

    def serves(self, config):
        return config.model_type == "llama"

    def blocks(self, model):
        return model.model.layers

    def attention(self, block):
        return block.self_attn

    def mlp(self, block):
        return block.mlp


@pytest.fixture(scope="module")
def model():
    return tiny_model("llama", layers=3)


def hooks_of(model):
    return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.modules())


def refused(model, adapter):
    # the first call of its kind leaves hooks of transformers' own on the model
    model(torch.ones(1, 1, dtype=torch.long), output_hidden_states=True)
    before = hooks_of(model)
    with pytest.raises(ModelError) as caught:
        verify(model, adapter)
    assert hooks_of(model) == before
    return str(caught.value)


def wrong(**methods):
    return frozen(kw_only=True)(type("Wrong", (Right,), methods))()


def test_the_right_adapter_passes_and_leaves_no_hook(model):
    verify(model, Right())
    before = hooks_of(model)
    verify(model, Right())
    assert hooks_of(model) == before


def test_row_zero_taken_for_the_batch(model):
    assert refused(model, wrong(read=lambda _self, output: output[0])) == (
        "model adapter 'test' reads (5, 32) from block 0, expected a tensor of shape (2, 5, 32): rows,"
        " tokens, hidden"
    )


def test_something_that_is_no_tensor(model):
    assert refused(model, wrong(read=lambda _self, output: (output,))) == (
        "model adapter 'test' reads tuple from block 0, expected a tensor of shape (2, 5, 32): rows,"
        " tokens, hidden"
    )


def test_a_value_that_is_not_the_residual_stream(model):
    message = refused(model, wrong(read=lambda _self, output: output + 0.5))
    assert message == (
        "model adapter 'test': what it reads from block 0 is not what block 1 receives"
        " (largest difference 0.5)"
    )


def test_blocks_in_another_order(model):
    message = refused(model, wrong(blocks=lambda _self, model: list(model.model.layers)[::-1]))
    assert message.startswith(
        "model adapter 'test': what it reads from block 0 is not what block 1 receives"
    )


def test_blocks_that_are_not_all(model):
    assert refused(model, wrong(blocks=lambda _self, model: model.model.layers[1:])) == (
        "model adapter 'test' finds 2 blocks, expected 3 as the config says"
    )


def test_a_write_that_is_lost(model):
    message = refused(model, wrong(write=lambda _self, output, _residual: output))
    assert message.startswith(
        "model adapter 'test': what it writes to block 0 is not what block 1 receives"
    )


def test_a_write_that_is_lost_in_the_last_block():
    model = tiny_model("llama", layers=1)
    assert refused(model, wrong(write=lambda _self, output, _residual: output)) == (
        "model adapter 'test': what it writes to block 0, the last, has no effect"
    )


def test_attention_outside_the_block(model):
    first = model.model.layers[0]
    assert refused(model, wrong(attention=lambda _self, _block: first.self_attn)) == (
        "model adapter 'test': attention of block 1 is LlamaAttention, which is not in it"
    )


def test_the_block_is_not_its_own_mlp(model):
    assert refused(model, wrong(mlp=lambda _self, block: block)) == (
        "model adapter 'test': mlp of block 0 is LlamaDecoderLayer, which is not in it"
    )


def test_attention_and_mlp_are_two(model):
    assert refused(model, wrong(mlp=lambda _self, block: block.self_attn)) == (
        "model adapter 'test': attention and mlp of block 0 are the same LlamaAttention"
    )


def test_a_last_block_whose_output_is_scaled_before_the_norm():
    model = tiny_model("llama", layers=1)
    adapter = wrong(read=lambda _self, output: output * 2)
    assert refused(model, adapter) == (
        "model adapter 'test': what it reads from block 0, the last, does not give the model's last hidden"
        " state after the final norm"
    )


def test_an_overflow():
    model = tiny_model("llama", layers=2)
    model.model.layers[1].mlp.down_proj.weight.data.fill_(float("inf"))
    assert refused(model, Right()) == (
        "model adapter 'test': the output of block 1 is not finite in float32: choose a wider dtype"
    )


def test_an_encoder_in_which_tokens_see_later_ones():
    from transformers import BertConfig, BertLMHeadModel

    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 32, "num_hidden_layers": 2}
    model = BertLMHeadModel(BertConfig(vocab_size=50, initializer_range=0.5, **sizes)).eval()
    adapter = wrong(
        blocks=lambda _self, model: model.bert.encoder.layer,
        attention=lambda _self, block: block.attention,
        mlp=lambda _self, block: block.intermediate,
    )
    assert refused(model, adapter) == (
        "model adapter 'test': at block 0 a token sees the tokens after it, expected a causal decoder"
    )
