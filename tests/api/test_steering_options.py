"""`steer`: token spans, directions and multipliers, and what it refuses."""

import re
import reprlib

import pytest
import torch
from attrs import evolve
from steered_models import FAMILIES, TEXTS, batch_of, by_hand, generated, outputs_of

from steerkit_core import Direction, ModelError, SteerkitError
from steerkit_core.generation import Row, generate
from steerkit_core.recipe.options import GenerationOptions
from steerkit_core.values import Edit, Intervention, Prompt

SPANS = ("prompt", "generated", "last", "suffix", "answer")


@pytest.mark.parametrize("tokens", SPANS)
@pytest.mark.parametrize("family", FAMILIES)
def test_spans_of_tokens_are_those_of_a_recipe(family, tokens, hf_models, wrapped, directions_of):
    model, tokenizer = hf_models(family)
    handle, direction = wrapped(family), directions_of(family).at(layer=1)
    edits = tuple(Edit(layer, add=direction.unit * 6.0) for layer in (1, 2, 3))
    rows = [Row(Prompt(text, text), Intervention(edits, tokens)) for text in TEXTS]
    engine = dict(generate(handle, rows, GenerationOptions(max_new_tokens=12)))
    with handle.steer(direction, multiplier=6, tokens=tokens):
        found = generated(model, batch_of(tokenizer))
        again = generated(model, batch_of(tokenizer))
    assert found == again
    for row, written in enumerate(found):
        assert tuple(written[: len(engine[row].token_ids)]) == engine[row].token_ids


def test_a_span_that_cannot_be_told_is_refused(hf_models, wrapped, directions_of, unhooked, says):
    model, tokenizer = hf_models("qwen2")
    unhooked(model)
    batch = batch_of(tokenizer)
    steered = wrapped("qwen2").steer(directions_of("qwen2").at(layer=1), multiplier=3, tokens="last")
    with steered, pytest.raises(ModelError) as caught:
        generated(model, batch, use_cache=False)
    says(caught)
    with steered, pytest.raises(ModelError, match=r"a pass brings 4 tokens behind 4 that are cached"):
        generated(model, batch_of(tokenizer, TEXTS[:1]), prefill_chunk_size=4)
    right = {name: torch.flip(part, dims=[1]) for name, part in batch.items()}
    with steered, pytest.raises(ModelError) as caught:
        model(**right)
    says(caught)


def test_a_vector_of_ones_own_is_a_direction_with_its_length_apart(hf_models, wrapped):
    model, tokenizer = hf_models("qwen2")
    batch = batch_of(tokenizer)
    vector = torch.randn(32, generator=torch.Generator().manual_seed(4)) * 0.7
    own = Direction.from_raw(vector.requires_grad_(), layer=2)
    with torch.no_grad():
        as_it_is = by_hand(model, {2: lambda h: h + vector}, lambda: outputs_of(model, batch)[2])
        scaled = by_hand(
            model, {2: lambda h: h + 3 * vector / vector.norm()}, lambda: outputs_of(model, batch)[2]
        )
    with wrapped("qwen2").steer(own, 1, unit="raw", span="layer"):
        assert torch.allclose(outputs_of(model, batch)[2], as_it_is, atol=1e-5)
    with wrapped("qwen2").steer(Direction.from_raw(vector.tolist(), 2), 3, span="layer"):
        assert torch.allclose(outputs_of(model, batch)[2], scaled, atol=1e-5)
    with pytest.raises(SteerkitError, match=r"the direction at layer 2, position -1 has length 0"):
        Direction.from_raw(torch.zeros(32), layer=2)


def test_numbers_of_numpy_are_multipliers(hf_models, wrapped, directions_of):
    np = pytest.importorskip("numpy")
    model, tokenizer = hf_models("qwen2")
    batch, direction = batch_of(tokenizer, TEXTS[:1]), directions_of("qwen2").at(layer=1)
    with wrapped("qwen2").steer(direction, 3):
        expected = generated(model, batch)
    for multiplier in (np.int64(3), np.float32(3), np.float64(3)):
        with wrapped("qwen2").steer(direction, multiplier):
            assert generated(model, batch) == expected


def refusals(direction):
    wide = Direction(1, -1, torch.ones(64) / 8, 1.0)
    return [
        ((wide,), {}, "the direction is 64 wide, but the stream of {id} is 32 wide: it is another model's"),
        ((evolve(direction, layer=9),), {}, "the model has layers 0 to 3, got layer 9"),
        (
            (evolve(direction, module="mlp"),),
            {},
            "site 'residual-add' edits residual, but the direction was read in mlp: choose a site that edits there, or extract with module= another",
        ),
        ((direction, "8"), {}, "multiplier: expected a number, got '8'"),
        ((direction, float("nan")), {}, "multiplier: expected a number, got nan"),
        ((direction, 8), {"site": "residual-ablate"}, "site 'residual-ablate' takes no multiplier, got 8"),
        (
            (direction, 8),
            {"unit": "resdual"},
            "site.unit: expected one of 'absolute', 'residual', 'raw', got 'resdual', did you mean 'residual'?",
        ),
        (
            (direction, 8),
            {"spam": "layer"},
            "site.spam: unknown option, did you mean 'span'? (known: tokens, multiplier, unit, preserve_norm, directions, span)",
        ),
        ((direction,), {"site": 3}, "site: expected a name or one of Site, got 3"),
        (
            (direction,),
            {"site": "residual-affine"},
            "site 'residual-affine' needs the activations of the contrast set: pass contrast= too",
        ),
        (
            (direction,),
            {"site": "conditional", "threshold": 0.0, "contrast": "refusal-5"},
            "site 'conditional' decides prompt by prompt, before anything is edited, which only a run does: name it in a recipe",
        ),
        (
            (direction,),
            {"layer": 2},
            "steer: layer and position go with a DirectionSet; a direction has its own",
        ),
        (
            (direction.unit,),
            {},
            f"steer: expected a Direction, several of them or a DirectionSet, got {reprlib.repr(direction.unit)}; of a vector of your own Direction.from_raw makes one",
        ),
        (([],), {}, "steer: expected a Direction, got none"),
        (
            (Direction(1, -1, direction.unit * 3, 3.0), 2),
            {},
            "the direction at layer 1 has a unit of length 3, expected 1: make it with Direction.from_raw, which keeps the length apart",
        ),
        (
            (evolve(direction, residual_norm=None), 1),
            {"unit": "residual"},
            "unit 'residual' needs the mean length of the residual stream, and these directions come without it: choose 'absolute' or 'raw', or extract them",
        ),
    ]


@pytest.mark.parametrize("case", range(16))
def test_what_cannot_be_done_is_one_sentence(case, wrapped, directions_of):
    handle = wrapped("qwen2")
    given, options, message = refusals(directions_of("qwen2").at(layer=1))[case]
    with pytest.raises(SteerkitError) as caught:
        handle.steer(*given, **options)
    assert str(caught.value) == message.replace("{id}", handle.spec.id)


def test_a_set_needs_a_layer_and_may_steer_each_layer_by_its_own(hf_models, wrapped, directions_of):
    model, tokenizer = hf_models("qwen2")
    directions = directions_of("qwen2")
    with pytest.raises(
        SteerkitError, match=r"steer: which layer\? pass directions.at\(layer=\.\.\.\), or layer="
    ):
        wrapped("qwen2").steer(directions)
    batch = batch_of(tokenizer)
    own = {layer: lambda h, at=layer: h + directions.at(at).unit * 3 for layer in (1, 2, 3)}
    expected = by_hand(model, own, lambda: generated(model, batch))
    with wrapped("qwen2").steer(directions, 3, layer=1, directions="per-layer"):
        assert generated(model, batch) == expected


def test_a_site_that_reads_the_contrast_set_gets_it(hf_models, wrapped, directions_of):
    model, tokenizer = hf_models("qwen2")
    handle, direction = wrapped("qwen2"), directions_of("qwen2").at(layer=1)
    contrast = (["How do I pick a lock?", "Insult me."], ["What is moss?", "Name a colour."])
    negative = handle.activations([Prompt(text, text) for text in contrast[1]])[:, 0, 1]
    target = float(negative.mean(dim=0) @ direction.unit) + 2.0
    options = {"site": "residual-affine", "unit": "absolute", "span": "layer"}
    with handle.steer(direction, 2, contrast=contrast, **options):
        state = outputs_of(model, batch_of(tokenizer))[1]
    assert torch.allclose(state @ direction.unit, torch.full(state.shape[:2], target), atol=1e-3)


def test_a_model_on_a_server_is_refused(wrapped, directions_of, says):
    handle = wrapped("qwen2")
    remote = evolve(handle, spec=evolve(handle.spec, remote=True))
    with pytest.raises(ModelError) as caught:
        remote.steer(directions_of("qwen2").at(layer=1))
    says(caught)


def test_the_repr_says_what_it_is(wrapped, directions_of):
    steered = wrapped("qwen2").steer(directions_of("qwen2").at(layer=1), 3)
    assert re.match(r"Steered\(model='wrapped:.*qwen2', interventions=1\)", repr(steered))
