"""Both backends against plain hooks that are written out here, and against each other token for token."""

from contextlib import ExitStack

import pytest
import torch

from steerkit_core.errors import ModelError
from steerkit_core.generation import Row, generate
from steerkit_core.model.forward import forward
from steerkit_core.recipe.options import GenerationOptions
from steerkit_core.values import BLOCK_MODULES, Edit, Intervention

FAMILIES = ("qwen2", "gemma2", "mistral")
BACKENDS = ("hooks", "nnsight")
GREEDY = GenerationOptions(max_new_tokens=8, batch_size=64)


def parts(block):
    """The modules of a block by name, as the shipped families and GPT-2 call them."""
    attention = getattr(block, "self_attn", None) or block.attn
    projection = getattr(attention, "o_proj", None) or getattr(attention, "c_proj", None)
    return {
        "input": block,
        "heads": projection,
        "attention": attention,
        "mlp": block.mlp,
        "residual": block,
    }


def first(output):
    return output[0] if isinstance(output, tuple) else output


def naive_read(handle, prompt, module):
    """What `module` of every block gives for one prompt alone, (layers, tokens, width)."""
    read = []
    with ExitStack() as stack, torch.no_grad():
        for block in handle.model.get_decoder().layers:
            target = parts(block)[module]
            if module in ("input", "heads"):
                hook = target.register_forward_pre_hook(lambda _m, arguments: read.append(arguments[0][0]))
            else:
                hook = target.register_forward_hook(lambda _m, _a, output: read.append(first(output)[0]))
            stack.callback(hook.remove)
        handle.model(torch.tensor([handle.encode(prompt)]))
    return torch.stack(read)


@pytest.mark.parametrize("module", BLOCK_MODULES)
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("family", FAMILIES)
def test_every_module_is_read_as_a_plain_hook_reads_it(handles, prompts, family, backend, module):
    handle = handles(family, backend)
    got = handle.activations(prompts, (-1, -2), module)
    for row, prompt in enumerate(prompts):
        expected = naive_read(handle, prompt, module)[:, [-1, -2]].transpose(0, 1)
        torch.testing.assert_close(got[row], expected, rtol=1e-5, atol=1e-5)
    means = handle.mean_activations((prompts[:2], prompts[2:]), (-1, -2), module)
    torch.testing.assert_close(means[0], got[:2].double().mean(dim=0), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("family", FAMILIES)
def test_the_residual_stream_is_what_transformers_reports(handles, prompts, family, backend):
    handle = handles(family, backend)
    read = handle.activations(prompts[:1], (-1,))[0, 0]
    ids = torch.tensor([handle.encode(prompts[0])])
    with torch.no_grad():
        states = handle.model(ids, output_hidden_states=True).hidden_states
        normed = handle.model.get_decoder().norm(read[-1])
    torch.testing.assert_close(read[:-1], torch.stack([state[0, -1] for state in states[1:-1]]))
    torch.testing.assert_close(normed, states[-1][0, -1])


def naive_edit(module, function):
    """Hooks for one module of one block by a plain function of what it gives."""
    if module == "heads":
        return "register_forward_pre_hook", lambda _m, arguments: (function(arguments[0]), *arguments[1:])

    def hook(_module, _arguments, output):
        found = function(first(output))
        return (found, *output[1:]) if isinstance(output, tuple) else found

    return "register_forward_hook", hook


def naive_generate(handle, prompt, module, layer, function):
    """Token ids by transformers' own generate for one prompt, with one plain hook."""
    kind, hook = naive_edit(module, function)
    target = parts(handle.model.get_decoder().layers[layer])[module]
    ids = torch.tensor([handle.encode(prompt)])
    removable = getattr(target, kind)(hook)
    try:
        with torch.no_grad():
            out = handle.model.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                do_sample=False,
                max_new_tokens=GREEDY.max_new_tokens,
                pad_token_id=handle.pad_id,
            )
    finally:
        removable.remove()
    new = out[0, ids.shape[1] :].tolist()
    ends = [place for place, token in enumerate(new) if token in handle.eos_ids]
    return tuple(new[: ends[0]] if ends else new)


@pytest.mark.parametrize("family", FAMILIES)
def test_mixed_edits_of_every_module_write_the_same_tokens_in_both_backends(
    handles, prompts, vector, family
):
    handle = handles(family)
    add, unit = 6 * vector(1), vector(2)
    one_head = torch.zeros(32)
    one_head[8:16] = 9 * vector(3)[:8]  # the second of four heads of width 8
    cases = [
        ("residual", 1, Edit(1, add=add), lambda h: h + add),
        ("attention", 1, Edit(1, add=add, module="attention"), lambda h: h + add),
        (
            "mlp",
            0,
            Edit(0, unit=unit, gain=2.0, module="mlp"),
            lambda h: h - 2 * (h @ unit)[..., None] * unit,
        ),
        ("heads", 2, Edit(2, add=one_head, module="heads"), lambda h: h + one_head),
        ("residual", 0, None, lambda h: h),
    ]
    rows = [
        Row(prompt, Intervention(() if edit is None else (edit,)))
        for *_, edit, _ in cases
        for prompt in prompts
    ]
    written = []
    for backend in BACKENDS:
        found = dict(generate(handles(family, backend), rows, GREEDY))
        written.append([found[index].token_ids for index in range(len(rows))])
    expected = [
        naive_generate(handle, prompt, module, layer, function)
        for module, layer, _, function in cases
        for prompt in prompts
    ]
    assert written[0] == expected
    assert written[1] == expected
    groups = [tuple(expected[start : start + len(prompts)]) for start in range(0, len(rows), len(prompts))]
    assert len(set(groups)) == len(cases)  # every edit changes what is written, or nothing was shown


@pytest.mark.parametrize("quantization", ["int8", "int4"])
def test_heads_of_quantized_models_are_read_and_edited(handles, prompts, vector, quantization):
    made = [handles("qwen2", backend, quantization) for backend in BACKENDS]
    read = [handle.activations(prompts, (-1,), "heads") for handle in made]
    assert torch.equal(*read)
    edit = Edit(1, add=5 * vector(1), module="heads")
    rows = [Row(prompt, Intervention((edit,))) for prompt in prompts]
    written = [dict(generate(handle, rows, GREEDY)) for handle in made]
    assert written[0] == written[1]
    assert written[0] != dict(
        generate(made[0], [Row(prompt, Intervention()) for prompt in prompts], GREEDY)
    )


@pytest.mark.parametrize("family", ["gpt2", "phi3"])
def test_heads_of_other_families_are_found(handles, prompts, family):
    handle = handles(family)
    read = handle.activations(prompts, (-1,), "heads")
    projected = handle.activations(prompts, (-1,), "attention")
    assert read.shape == (len(prompts), 1, handle.num_layers, handle.heads.width)
    for layer in range(handle.num_layers):
        projection = handle.adapter.output_projection(handle.adapter.attention(handle.blocks[layer]))
        torch.testing.assert_close(projection(read[:, :, layer]), projected[:, :, layer])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (Edit(3), "the model has layers 0 to 2, got layer 3"),
        (Edit(-1, module="mlp"), "the model has layers 0 to 2, got layer -1"),
        (
            Edit(1, add=torch.ones(16), module="mlp"),
            "an edit at layer 1 (mlp) has a vector of shape (16,), expected (32,), the model's hidden size",
        ),
        (
            Edit(1, unit=torch.ones(64), gain=1.0, module="heads"),
            "an edit at layer 1 (heads) has a vector of shape (64,), expected (32,), that of all heads side by side",
        ),
    ],
)
def test_an_edit_that_does_not_fit_is_one_sentence(handles, prompts, backend, edit, message):
    handle = handles("qwen2", backend)
    with pytest.raises(ModelError) as caught:
        handle.check(Intervention((edit,)))
    assert str(caught.value) == message
    if edit.add is not None or edit.unit is not None:
        with pytest.raises(ModelError) as caught:
            next(generate(handle, [Row(prompts[0], Intervention((edit,)))], GREEDY))
        assert str(caught.value) == message


@pytest.mark.parametrize("backend", BACKENDS)
def test_hooks_are_gone_and_errors_pass_when_a_pass_breaks_off(handles, prompts, backend):
    handle = handles("mistral", backend)

    def count():
        return sum(
            len(module._forward_hooks) + len(module._forward_pre_hooks) for module in handle.model.modules()
        )

    def refuse(_layer, _found, _mask):
        raise KeyError("in the middle")

    before = count()
    for module in BLOCK_MODULES:
        with pytest.raises(KeyError, match="in the middle"):
            forward(handle, prompts, refuse, module)
    assert count() == before
    assert handle.activations(prompts).isfinite().all()


def test_an_attention_without_a_projection_of_a_known_name_has_no_heads(handles, monkeypatch, says):
    handle = handles("mistral")
    handle.__dict__.pop("heads", None)
    monkeypatch.setattr("steerkit_core.components.adapter.OUTPUT_PROJECTIONS", ("w_o",))
    with pytest.raises(ModelError) as caught:
        _ = handle.heads
    says(caught)


def test_a_projection_that_is_not_the_last_of_the_attention_is_refused(handles, monkeypatch, says):
    handle = handles("qwen2")
    adapter = type(handle.adapter)
    monkeypatch.setattr(adapter, "output_projection", lambda _self, attention: attention.q_proj)
    handle.__dict__.pop("heads", None)
    with pytest.raises(ModelError) as told:
        _ = handle.heads
    says(told)
