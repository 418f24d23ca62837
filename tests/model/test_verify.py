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


def test_row_zero_taken_for_the_batch(model, says):
    says(refused(model, wrong(read=lambda _self, output: output[0])))


def test_something_that_is_no_tensor(model, says):
    says(refused(model, wrong(read=lambda _self, output: (output,))))


def test_a_value_that_is_not_the_residual_stream(model, says):
    message = refused(model, wrong(read=lambda _self, output: output + 0.5))
    says(message)


def test_blocks_in_another_order(model):
    message = refused(model, wrong(blocks=lambda _self, model: list(model.model.layers)[::-1]))
    assert message.startswith(
        "model adapter 'test': what it reads from block 0 is not what block 1 receives"
    )


def test_blocks_that_are_not_all(model, says):
    says(refused(model, wrong(blocks=lambda _self, model: model.model.layers[1:])))


def test_a_write_that_is_lost(model):
    message = refused(model, wrong(write=lambda _self, output, _residual: output))
    assert message.startswith(
        "model adapter 'test': what it writes to block 0 is not what block 1 receives"
    )


def test_a_write_that_is_lost_in_the_last_block(says):
    model = tiny_model("llama", layers=1)
    says(refused(model, wrong(write=lambda _self, output, _residual: output)))


def test_attention_outside_the_block(model, says):
    first = model.model.layers[0]
    says(refused(model, wrong(attention=lambda _self, _block: first.self_attn)))


def test_the_block_is_not_its_own_mlp(model, says):
    says(refused(model, wrong(mlp=lambda _self, block: block)))


def test_attention_and_mlp_are_two(model, says):
    says(refused(model, wrong(mlp=lambda _self, block: block.self_attn)))


def test_a_last_block_whose_output_is_scaled_before_the_norm(says):
    model = tiny_model("llama", layers=1)
    adapter = wrong(read=lambda _self, output: output * 2)
    says(refused(model, adapter))


def test_an_overflow(says):
    model = tiny_model("llama", layers=2)
    model.model.layers[1].mlp.down_proj.weight.data.fill_(float("inf"))
    says(refused(model, Right()))


def test_an_encoder_in_which_tokens_see_later_ones(says):
    from transformers import BertConfig, BertLMHeadModel

    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 32, "num_hidden_layers": 2}
    model = BertLMHeadModel(BertConfig(vocab_size=50, initializer_range=0.5, **sizes)).eval()
    adapter = wrong(
        blocks=lambda _self, model: model.bert.encoder.layer,
        attention=lambda _self, block: block.attention,
        mlp=lambda _self, block: block.intermediate,
    )
    says(refused(model, adapter))
