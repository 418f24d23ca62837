from contextlib import ExitStack
from functools import cache

import attrs
import pytest
import torch

from steerkit_core.testing import tiny_handle
from steerkit_core.values import ClassActivations, DirectionSet, Prompt, Steering

LAYERS, WIDTH = 4, 32
# of unlike lengths, so that a batch is padded
TEXTS = ("Hi", "How do I bake a cake for eleven people?", "What causes rainbows?")


@pytest.fixture(scope="session")
def handles(adapters):
    """`handles(family, backend)`: a tiny model, loaded once for each family and shared by the backends."""

    @cache
    def load(family):
        return tiny_handle(family, adapters, layers=LAYERS, hidden=WIDTH, seed=3)

    @cache
    def make(family, backend="hooks"):
        handle = load(family)
        return attrs.evolve(handle, spec=attrs.evolve(handle.spec, backend=backend))

    return make


@pytest.fixture(scope="session")
def prompts():
    return tuple(Prompt(f"p{number}", text) for number, text in enumerate(TEXTS))


def drawn(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="session")
def steering():
    """`steering(module, layer, multiplier)`: a way to steer, its directions and classes drawn at random."""

    def make(module="residual", layer=1, multiplier=6.0, **changes):
        raw = 2 * drawn(1, 1, LAYERS, WIDTH)
        directions = DirectionSet.from_raw(raw, (-1,), tuple(range(LAYERS)), module)
        classes = ClassActivations(
            (-1,), directions.layers, drawn(2, 5, 1, LAYERS, WIDTH), drawn(3, 4, 1, LAYERS, WIDTH)
        )
        norms = tuple(3.0 + number for number in range(LAYERS))
        given = {
            "directions": directions,
            "layer": layer,
            "position": -1,
            "multiplier": multiplier,
            "num_layers": LAYERS,
            "residual_norms": norms,
            "num_heads": 4,
            "classes": lambda: classes,
        }
        return Steering(**given | changes)

    return make


@pytest.fixture(scope="session")
def naive_generate():
    """The slow, obvious way: one prompt at a time, transformers' own generate, one plain hook per layer."""
    return _naive_generate


@pytest.fixture(scope="session")
def naive_f1():
    """`naive_f1(positive, negative, threshold)`, from its definition, by precision and recall."""
    return _naive_f1


def _naive_f1(positive, negative, threshold):
    called = [number > threshold for number in positive], [number > threshold for number in negative]
    hits, false = sum(called[0]), sum(called[1])
    if hits == 0:
        return 0.0
    precision, recall = hits / (hits + false), hits / len(positive)
    return 2 * precision * recall / (precision + recall)


def _module(block, module):
    if module == "residual":
        return block
    if module == "heads":
        return block.self_attn.o_proj
    return {"attention": block.self_attn, "mlp": block.mlp}[module]


def _naive_generate(handle, prompt, module, edits, span="all", max_new_tokens=8):
    """Token ids that `transformers.generate` gives for one prompt while `edits` are applied.

    `edits` maps a layer to a function of what the module gives, (1, tokens, width). `span` says at which
    tokens, and is worked out here from the texts.
    """
    text = handle.adapter.render(handle.tokenizer, prompt.text)
    tokens = handle.tokenizer(text, add_special_tokens=False)["input_ids"]
    behind = text[text.rindex(prompt.text) + len(prompt.text) :]
    suffix = len(handle.tokenizer(behind, add_special_tokens=False)["input_ids"])
    assert 0 < suffix < len(tokens)
    first = {"all": 0, "prompt": 0, "last": -1, "answer": -1, "suffix": -suffix}

    def edited(edit, found, call):
        if call == 1 and span in first:
            start = first[span] % len(tokens) if first[span] else 0
            return torch.cat([found[:, :start], edit(found[:, start:])], dim=1)
        if call > 1 and span in ("all", "generated", "answer"):
            return edit(found)
        return found

    def hooks_for(edit):
        calls = 0

        def after(_module, _arguments, output):
            nonlocal calls
            calls += 1
            if isinstance(output, tuple):
                return (edited(edit, output[0], calls), *output[1:])
            return edited(edit, output, calls)

        def before(_module, arguments):
            nonlocal calls
            calls += 1
            return (edited(edit, arguments[0], calls), *arguments[1:])

        return after, before

    ids = torch.tensor([tokens])
    with ExitStack() as stack, torch.no_grad():
        for layer, edit in edits.items():
            target = _module(handle.model.get_decoder().layers[layer], module)
            after, before = hooks_for(edit)
            if module == "heads":
                stack.callback(target.register_forward_pre_hook(before).remove)
            else:
                stack.callback(target.register_forward_hook(after).remove)
        out = handle.model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            do_sample=False,
            max_new_tokens=max_new_tokens,
            pad_token_id=handle.pad_id,
        )
    new = out[0, ids.shape[1] :].tolist()
    ends = [place for place, token in enumerate(new) if token in handle.eos_ids]
    return tuple(new[: ends[0]] if ends else new)
