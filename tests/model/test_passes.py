"""Passes through some of the blocks, against whole passes of single prompts under plain hooks."""

from contextlib import ExitStack

import pytest
import torch
from attrs import evolve

from steerkit_core import ModelError, Probe, kl_divergence
from steerkit_core.components.model_spec import ModelSpec
from steerkit_core.errors import NumericError
from steerkit_core.model.partial_passes import partial_model, probing
from steerkit_core.testing import FAMILIES, tiny_handle
from steerkit_core.values import Edit, Intervention


def naive_pass(handle, prompt, probe, seen):
    """One prompt alone through the whole model; `seen[layer]` gets what each block gives, all tokens."""

    def edited(h):
        out = h
        if probe.unit is not None:
            out = out - probe.gain * (h @ probe.unit)[..., None] * probe.unit
        return out if probe.add is None else out + probe.add

    def before(_module, arguments):
        return (edited(arguments[0]), *arguments[1:])

    def after(_module, _arguments, output):
        return (edited(output[0]), *output[1:]) if isinstance(output, tuple) else edited(output)

    with ExitStack() as stack, torch.no_grad():
        for layer, block in enumerate(handle.blocks):
            if probe is not None and probe.layer in (None, layer):
                stack.callback(block.register_forward_pre_hook(before).remove)
            if probe is not None and probe.layer is None:
                for module in (handle.adapter.attention(block), handle.adapter.mlp(block)):
                    stack.callback(module.register_forward_hook(after).remove)

            def look(_module, _arguments, output, at=layer):
                seen[at] = (output[0] if isinstance(output, tuple) else output)[0].double()

            stack.callback(block.register_forward_hook(look).remove)
        return handle.model(torch.tensor([handle.encode(prompt)])).logits[0, -1]


def naive_means(handle, prompts, probe, layers, positions):
    totals = 0.0
    for prompt in prompts:
        seen = {}
        naive_pass(handle, prompt, probe, seen)
        totals = totals + torch.stack([seen[layer][list(positions)] for layer in layers])
    return totals / len(prompts)


@pytest.fixture
def probes(vector):
    """Everywhere and at several blocks, linear and affine, in no order."""
    return [
        Probe(2, add=3 * vector(1)),
        Probe(unit=vector(2), gain=1.0),
        Probe(0, add=-2 * vector(3)),
        Probe(add=vector(4) * 0.5, unit=vector(4), gain=1.0),
        Probe(2, add=vector(5), unit=vector(5), gain=2.0),
        Probe(3, add=2 * vector(6)),
        Probe(1, unit=vector(7), gain=1.0),
    ]


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_means_are_those_of_whole_passes_of_single_prompts(handles, prompts, family, probes):
    handle = handles(family)
    layers, positions = (2, 0), (-3, -1)
    plain, found = handle.probed_means(prompts, probes, layers, positions)
    assert plain.dtype == found.dtype == torch.float64
    expected = naive_means(handle, prompts, None, layers, positions)
    torch.testing.assert_close(plain, expected, rtol=1e-4, atol=1e-5)
    for probe, got in zip(probes, found, strict=True):
        expected = naive_means(handle, prompts, probe, layers, positions)
        torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(found[1], plain)
    # a probe beyond the last layer that is read changes nothing
    assert torch.equal(found[5], plain)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_logits_are_those_of_whole_passes_of_single_prompts(handles, prompts, family, probes):
    handle = handles(family)
    found = handle.probed_logits(
        prompts, probes, lambda plain, logits: torch.stack((plain.expand_as(logits), logits), dim=2)
    )
    for row, probe in zip(found, probes, strict=True):
        for (plain, got), prompt in zip(row, prompts, strict=True):
            torch.testing.assert_close(plain, naive_pass(handle, prompt, None, {}), rtol=1e-4, atol=1e-4)
            torch.testing.assert_close(got, naive_pass(handle, prompt, probe, {}), rtol=1e-4, atol=1e-4)


def test_a_window_shorter_than_the_prompt_slides_in_every_pass(adapters, prompts, probes):
    handle = tiny_handle("gemma2", adapters, seed=3)
    handle.model.config.sliding_window = 8
    for block in handle.blocks:
        if block.self_attn.sliding_window:
            block.self_attn.sliding_window = 8
    assert {len(handle.encode(prompt)) > 16 for prompt in prompts} == {True}
    _, found = handle.probed_means(prompts, probes, (3,))
    _, wide = tiny_handle("gemma2", adapters, seed=3).probed_means(prompts, probes, (3,))
    assert not torch.allclose(found, wide)
    for probe, got in zip(probes, found, strict=True):
        torch.testing.assert_close(
            got, naive_means(handle, prompts, probe, (3,), (-1,)), rtol=1e-4, atol=1e-5
        )


@pytest.mark.parametrize("family", ["qwen2", "gemma2", "gpt2"])
def test_blocks_that_are_told_of_the_tokens_get_inputs_for_all_rows(
    family, adapters, prompts, probes, monkeypatch
):
    handle = tiny_handle(family, adapters, layers=4, hidden=32, seed=3)
    rows = []
    handle.blocks[0].register_forward_pre_hook(lambda _m, arguments: rows.append(arguments[0].shape[0]))
    monkeypatch.setattr(partial_model, "TOKEN_PLACES", set())
    embedded = handle.model.get_input_embeddings()
    embedded.register_forward_hook(lambda _m, _a, output: rows.append(output.shape[0]))
    _, found = handle.probed_means(prompts, probes, (2,))
    assert min(rows) > 1
    for probe, got in zip(probes, found, strict=True):
        torch.testing.assert_close(
            got, naive_means(handle, prompts, probe, (2,), (-1,)), rtol=1e-4, atol=1e-5
        )


def test_a_block_whose_modules_are_not_found_does_all_of_its_work(adapters, prompts, probes):
    handle = tiny_handle("llama", adapters, layers=4, hidden=32, seed=3)
    seen = []
    handle.blocks[3].mlp.register_forward_hook(lambda _m, _a, output: seen.append(output.shape[1]))
    shifts = [probe for probe in probes if probe.layer is not None]
    handle.probed_means(prompts, shifts, (3,))
    assert set(seen) == {1}

    class Blind(type(handle.adapter)):
        def output_projection(self, _attention):
            raise ModelError("none")

    handle = evolve(handle, adapter=Blind())
    seen.clear()
    _, found = handle.probed_means(prompts, shifts, (3,))
    assert min(seen) > 1
    for probe, got in zip(shifts, found, strict=True):
        torch.testing.assert_close(
            got, naive_means(handle, prompts, probe, (3,), (-1,)), rtol=1e-4, atol=1e-5
        )


@pytest.mark.parametrize("limit", ["PASS_TOKENS", "CACHE_BYTES", "LOGITS"])
def test_small_batches_give_the_same(handles, prompts, probes, limit, monkeypatch):
    handle = handles("mistral")

    def all_of_it():
        numbers = handle.probed_logits(prompts, probes, lambda plain, found: found - plain)
        return (*handle.probed_means(prompts, probes, (1, 3)), numbers)

    whole = all_of_it()
    monkeypatch.setattr(probing, limit, {"PASS_TOKENS": 90, "CACHE_BYTES": 2000, "LOGITS": 400}[limit])
    for one, other in zip(whole, all_of_it(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


class Counter:
    """Tokens that go through each block, padding included, counted by hooks of the test's own."""

    def __init__(self, handle):
        self.tokens = [0] * handle.num_layers
        self.hooks = [
            block.register_forward_hook(
                lambda _m, arguments, _o, at=layer: self.tokens.__setitem__(
                    at, self.tokens[at] + arguments[0].shape[:2].numel()
                )
            )
            for layer, block in enumerate(handle.blocks)
        ]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for hook in self.hooks:
            hook.remove()


@pytest.mark.parametrize("family", ["qwen2", "gemma2", "gpt2"])
def test_no_block_is_evaluated_that_need_not_be(handles, prompts, family, probes):
    handle, last = handles(family), 2
    padded = len(prompts) * max(len(handle.encode(prompt)) for prompt in prompts)
    begins = [probe.layer or 0 for probe in probes]
    with Counter(handle) as counter:
        handle.probed_means(prompts, probes, (0, last))
    for layer, tokens in enumerate(counter.tokens):
        needed = (layer <= last) + sum(begin <= layer <= last for begin in begins)
        assert padded * (layer <= last) <= tokens <= padded * needed
    with Counter(handle) as counter:
        handle.probed_logits(prompts, probes, lambda _plain, found: found)
    for layer, tokens in enumerate(counter.tokens):
        assert padded < tokens <= padded * (1 + sum(begin <= layer for begin in begins))


@pytest.mark.parametrize("family", ["qwen2", "gemma2", "gpt2"])
def test_no_token_is_evaluated_that_need_not_be(handles, prompts, family, probes, monkeypatch):
    """The plain pass is padded; a candidate's has no padding, and what prompts begin with only once."""
    monkeypatch.setattr(probing, "SMALL", 10**6)  # no saving is too small
    handle = handles(family)
    encoded = [handle.encode(prompt) for prompt in prompts]
    prefix = next(at for at, column in enumerate(zip(*encoded, strict=False)) if len(set(column)) > 1)
    assert prefix > 0
    each = prefix + sum(len(ids) - prefix for ids in encoded)
    plain = len(prompts) * max(len(ids) for ids in encoded)
    begins = [probe.layer or 0 for probe in probes]
    with Counter(handle) as counter:
        found = handle.probed_logits(prompts, probes, lambda _plain, found: found)
    assert counter.tokens == [
        plain + each * sum(begin <= layer for begin in begins) for layer in range(handle.num_layers)
    ]
    for row, probe in zip(found, probes, strict=True):
        for got, prompt in zip(row, prompts, strict=True):
            torch.testing.assert_close(got, naive_pass(handle, prompt, probe, {}), rtol=1e-4, atol=1e-4)


def test_nothing_stays_on_the_model(handles, prompts, probes):
    handle = handles("qwen3")

    def state():
        """Every module by name, with its hooks; transformers has some of its own."""
        return {
            name: (id(module), [*module._forward_hooks], [*module._forward_pre_hooks])
            for name, module in handle.model.named_modules()
        }

    before = state()
    handle.probed_means(prompts, probes, (1,))

    def fail(_plain, _found):
        raise RuntimeError("in the middle of it")

    with pytest.raises(RuntimeError, match="in the middle"):
        handle.probed_logits(prompts, probes, fail)
    broken = Probe(2, add=torch.ones(5))
    with pytest.raises(ModelError, match="vector of shape"):
        handle.probed_means(prompts, [broken], (3,))
    assert state() == before


def test_it_is_what_a_steered_pass_gives(handles, prompts, vector, first_logits):
    handle, shift = handles("llama"), vector(1) * 2
    rows = [(prompt, Intervention((Edit(2, add=shift, module="input"),))) for prompt in prompts]
    found = handle.probed_logits(prompts, [Probe(2, add=shift)], lambda _plain, found: found)
    torch.testing.assert_close(found[0], first_logits(handle, rows), rtol=1e-4, atol=1e-4)


def test_nnsight_has_wrapped_the_same_modules(adapters, prompts, probes):
    wrapped, plain = (tiny_handle("gemma2", adapters, backend=name) for name in ("nnsight", "hooks"))
    wrapped.residual_norms(prompts)  # a trace, so that the model is wrapped
    for one, other in zip(
        wrapped.probed_means(prompts, probes, (1, 3)),
        plain.probed_means(prompts, probes, (1, 3)),
        strict=True,
    ):
        torch.testing.assert_close(one, other)
    assert wrapped.residual_norms(prompts) == pytest.approx(plain.residual_norms(prompts))


def test_the_divergence_of_two_distributions():
    one, other = torch.randn(2, 3, 50, generator=torch.Generator().manual_seed(0))
    p, q = (logits.double().softmax(dim=-1) for logits in (one, other))
    torch.testing.assert_close(kl_divergence(one, other), (p * (p / q).log()).sum(dim=-1))
    assert kl_divergence(one, one).abs().max() == 0.0


def test_a_model_on_a_server_is_refused(handles, prompts, says):
    handle = handles("phi3")
    far = type(handle)(
        spec=ModelSpec(id="org/large", remote=True),
        model=handle.model,
        tokenizer=handle.tokenizer,
        adapter=handle.adapter,
        dtype="float32",
        fingerprint="0",
    )
    with pytest.raises(ModelError) as caught:
        far.probed_means(prompts, [], (0,))
    says(caught)


def test_blocks_that_hand_on_more_than_the_stream_are_refused(adapters, prompts, says):
    handle = tiny_handle("qwen2", adapters)
    first = handle.blocks[0]
    hook = first.register_forward_hook(lambda _m, _a, output: (output, torch.ones(1)))
    with pytest.raises(ModelError) as caught:
        handle.probed_means(prompts, [], (0,))
    hook.remove()
    says(caught)
    assert first is handle.model.model.layers[0]


def test_a_plain_activation_that_is_not_finite_is_named(adapters, prompts, says):
    handle = tiny_handle("qwen2", adapters)
    with torch.no_grad():
        handle.blocks[2].mlp.down_proj.weight.fill_(float("inf"))
    with pytest.raises(NumericError) as told:
        handle.probed_means(prompts, [], (1, 2))
    says(told)


def test_no_probes_give_nothing(handles, prompts):
    plain, found = handles("mistral").probed_means(prompts, [], (1,))
    assert (plain.shape, found.shape) == ((1, 1, 32), (0, 1, 1, 32))
    assert handles("mistral").probed_logits(prompts, [], kl_divergence).shape == (0, len(prompts))


def test_a_position_before_the_prompt_is_refused(handles, prompts):
    with pytest.raises(ModelError, match="too few for position -900"):
        handles("mistral").probed_means(prompts, [], (0,), (-900,))
