"""What ModelHandle reads, against transformers' own hidden states, prompt by prompt."""

import attrs
import pytest
import torch

from steerkit_core.errors import ModelError
from steerkit_core.values import Prompt

FAMILIES = ("qwen2", "gemma2", "mistral", "llama", "phi3", "gpt2")


def hidden_states(handle, prompt):
    """Outputs of all blocks for one prompt alone, (layers, tokens, hidden), float64.

    The last of transformers' hidden states is taken after the final norm, so the last block is read by a
    hook of its own.
    """
    last = []
    hook = handle.blocks[-1].register_forward_hook(
        lambda _module, _arguments, output: last.append(output[0] if isinstance(output, tuple) else output)
    )
    ids = torch.tensor([handle.encode(prompt)])
    with torch.no_grad():
        states = handle.model(ids, output_hidden_states=True).hidden_states
    hook.remove()
    return torch.cat([*states[1:-1], last[0]]).double()


@pytest.mark.parametrize("family", FAMILIES)
def test_class_means_equal_those_of_single_prompts(handles, prompts, family):
    handle = handles(family)
    groups = (prompts[:3], prompts[3:])
    got = handle.mean_activations(groups, (-1, -3))
    assert got.dtype == torch.float64
    for group, members in enumerate(groups):
        single = [hidden_states(handle, prompt) for prompt in members]
        for column, position in enumerate((-1, -3)):
            expected = sum(states[:, position] for states in single) / len(members)
            scale = float(expected.abs().max())
            assert torch.allclose(got[group, column], expected, atol=2e-6 * scale, rtol=0)


@pytest.mark.parametrize("family", ["qwen2", "gemma2"])
def test_activations_keep_prompts_apart_and_in_order(handles, prompts, family):
    handle = handles(family)
    got = handle.activations(prompts, (-2,))
    for row, prompt in enumerate(prompts):
        expected = hidden_states(handle, prompt)[:, -2]
        assert torch.allclose(
            got[row, 0].double(), expected, atol=2e-6 * float(expected.abs().max()), rtol=0
        )


@pytest.mark.parametrize("family", ["qwen2", "mistral"])
def test_residual_norms_are_means_over_every_token_and_no_padding(handles, prompts, family):
    handle = handles(family)
    lengths = [hidden_states(handle, prompt).norm(dim=-1) for prompt in prompts]
    expected = torch.cat(lengths, dim=1).mean(dim=1)
    assert handle.residual_norms(prompts) == pytest.approx(expected.tolist(), rel=1e-5)


def test_extraction_is_one_forward_pass_a_batch_without_the_lm_head(handles, prompts, monkeypatch):
    handle = handles("qwen2")
    calls = []
    hooks = [
        module.register_forward_hook(lambda *_, name=name: calls.append(name))
        for name, module in (("block", handle.blocks[2]), ("head", handle.model.lm_head))
    ]
    handle.mean_activations((prompts[:2], prompts[2:]), (-1, -2, -3))
    assert calls == ["block"]
    monkeypatch.setattr(
        "steerkit_core.generation.rows.PASS_TOKENS", 2 * max(len(handle.encode(p)) for p in prompts)
    )
    calls.clear()
    handle.mean_activations((prompts[:2], prompts[2:]), (-1,))
    # the longest prompt takes half of the tokens, so the first pass holds two prompts, the next the rest
    assert calls == ["block"] * 2
    for hook in hooks:
        hook.remove()


def test_batches_of_any_size_give_the_same_means(handles, prompts, monkeypatch):
    handle = handles("gemma2")
    whole = handle.mean_activations((prompts,), (-1,))
    monkeypatch.setattr("steerkit_core.generation.rows.PASS_TOKENS", 1)
    assert torch.allclose(handle.mean_activations((prompts,), (-1,)), whole, atol=1e-5)


def test_a_position_before_the_prompt_begins_is_refused(handles, prompts):
    handle = handles("mistral")
    size = len(handle.encode(prompts[2]))
    message = f"prompt 'p2' has {size} tokens with its template, too few for position {-size - 1}"
    with pytest.raises(ModelError, match=message):
        handle.mean_activations((prompts,), (-size - 1,))


def test_overflowing_activations_name_layer_and_remedy(handles, prompts, says):
    handle = handles("llama")
    hook = handle.blocks[1].register_forward_hook(lambda _module, _arguments, output: output / 0)
    said = []
    for dtype in ("float32", "float16"):
        with pytest.raises(ModelError) as caught:
            attrs.evolve(handle, dtype=dtype).mean_activations((prompts,), (-1,))
        said.append(str(caught.value))
    hook.remove()
    says("\n".join(said))


def test_an_empty_answer_is_a_failure(handles):
    from steerkit_core.generation import Written, completion

    handle = handles("qwen2")
    prompt = Prompt("x", "Hi")
    empty = completion(handle, prompt, Written((), "eos"))
    assert (empty.stop, empty.error) == ("failed", "the output is empty")
    fine = completion(handle, prompt, Written(tuple(handle.tokenizer("yes")["input_ids"]), "eos"))
    assert (fine.text, fine.error) == ("yes", None)


def test_a_gemma_prompt_begins_with_one_bos_though_the_tokenizer_would_add_another(handles):
    handle = handles("gemma2")
    bos = handle.tokenizer.bos_token_id
    assert handle.encode(Prompt("x", "Hi")).count(bos) == 1
    assert handle.tokenizer(handle.render(Prompt("x", "Hi")))["input_ids"].count(bos) == 2
