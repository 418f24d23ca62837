"""The first token of an answer: its logits, the refusal score, and what stands around it."""

import pytest
import torch

from steerkit_core import ModelError, refusal_score
from steerkit_core.testing import tiny_handle
from steerkit_core.values import ContrastSet, Edit, Intervention
from steerkit_dim import DifferenceInMeans

FAMILIES = ("qwen2", "gemma2", "mistral")


def naive_logits(handle, prompt, edits):
    """Logits behind one prompt alone, while a plain hook edits what blocks are given or give."""
    handles = []
    for edit in edits:
        block = handle.model.get_decoder().layers[edit.layer]
        if edit.module == "input":
            handles.append(
                block.register_forward_pre_hook(lambda _m, args, e=edit: (args[0] + e.add, *args[1:]))
            )
        else:
            handles.append(block.register_forward_hook(lambda _m, _a, output, e=edit: output + e.add))
    try:
        with torch.no_grad():
            return handle.model(torch.tensor([handle.encode(prompt)])).logits[0, -1]
    finally:
        for hook in handles:
            hook.remove()


@pytest.mark.parametrize("family", FAMILIES)
def test_logits_of_mixed_rows_are_those_of_single_prompts(handles, prompts, family, vector, first_logits):
    handle = handles(family)
    shift = 4 * vector(1)
    edits = [(), (Edit(1, add=shift),), (Edit(2, add=shift, module="input"),)]
    rows = [(prompt, Intervention(chosen)) for prompt in prompts for chosen in edits]
    found = first_logits(handle, rows)
    for (prompt, intervention), got in zip(rows, found, strict=True):
        expected = naive_logits(handle, prompt, intervention.edits)
        torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_adding_before_a_block_is_adding_behind_the_one_below(
    handles, prompts, family, vector, first_logits
):
    handle = handles(family)
    shift = 4 * vector(1)
    before, behind = first_logits(
        handle,
        [
            (prompts[0], Intervention((Edit(2, add=shift, module="input"),))),
            (prompts[0], Intervention((Edit(1, add=shift),))),
        ],
    )
    torch.testing.assert_close(before, behind)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_input_of_a_block_is_the_output_of_the_one_below(handles, prompts, family):
    handle = handles(family)
    given, outputs = (handle.activations(prompts, (-1,), module) for module in ("input", "residual"))
    assert torch.equal(given[:, :, 1:], outputs[:, :, :-1])


def test_the_refusal_score_is_the_log_odds_of_the_refusal_tokens():
    logits = torch.randn(3, 50, generator=torch.Generator().manual_seed(0)) * 3
    probabilities = logits.double().softmax(dim=-1)
    p = probabilities[:, [4, 7]].sum(dim=-1)
    torch.testing.assert_close(refusal_score(logits, (4, 7)), p.log() - (1 - p).log())


def test_a_score_near_certainty_keeps_its_digits():
    logits = torch.zeros(1, 4)
    logits[0, 2] = 80.0  # 1 - p is below what a float64 near 1 can tell
    assert float(refusal_score(logits, (2,))) == pytest.approx(80.0 - torch.log(torch.tensor(3.0)).item())


@pytest.mark.parametrize("family", FAMILIES)
def test_refusal_tokens_are_what_an_answer_begins_with(handles, family):
    handle = handles(family)
    (token, *_) = handle.refusal_tokens(("Sorry",))
    assert handle.decode([token]).strip().startswith("S")
    assert set(handle.refusal_tokens(("Sorry", "I"))) >= {token}
    own = handle.refusal_tokens()
    assert own == handle.refusal_tokens(handle.adapter.defaults.refusal_openings)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_suffix_is_the_template_behind_the_users_text(handles, family):
    handle = handles(family)
    marked = handle.adapter.render(handle.tokenizer, "SPLIT")
    behind = marked.partition("SPLIT")[2]
    expected = len(handle.tokenizer(behind, add_special_tokens=False)["input_ids"])
    assert handle.suffix_length == expected > 0
    positions = DifferenceInMeans(position="suffix").positions_in(handle)
    assert positions == tuple(range(-expected, 0))


def test_a_template_without_a_suffix_has_none_to_read(adapters, says):
    handle = tiny_handle("qwen2", adapters)
    handle.tokenizer.chat_template = "{{ messages[0]['content'] }}"
    with pytest.raises(ModelError) as caught:
        DifferenceInMeans(position="suffix").positions_in(handle)
    says(caught)


def test_classes_are_kept_apart(handles, prompts):
    handle = handles("mistral")
    contrast = ContrastSet("c", prompts[:2], prompts[2:])
    found = handle.class_activations(contrast, (-3, -1), layers=(2, 0))
    whole = handle.activations(prompts, (-3, -1))
    assert found.positive.shape == (2, 2, 2, handle.hidden_size)
    positive, negative = found.at(0, -3)
    torch.testing.assert_close(positive, whole[:2, 0, 0], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(negative, whole[2:, 0, 0], rtol=1e-5, atol=1e-5)


def test_a_position_before_the_prompt_is_refused(handles, prompts):
    handle = handles("mistral")
    with pytest.raises(ModelError, match="too few for position -900"):
        handle.activations(prompts, (-900,))
