"""Under `steer`, transformers' own functions write what hand-written hooks, or a recipe's cell, make them write."""

import gc
from threading import Event, Thread, get_ident

import pytest
import torch
from attrs import evolve
from steered_models import FAMILIES, TEXTS, batch_of, by_hand, generated, hooks_of, outputs_of

import steerkit_core
from steerkit_core.generation import Row, generate
from steerkit_core.recipe.options import GenerationOptions
from steerkit_core.testing import tiny_model
from steerkit_core.values import Edit, Intervention, Prompt


def adding(direction, length, layers):
    return {layer: lambda h: h + (direction.unit * length) for layer in layers}


@pytest.mark.parametrize("family", FAMILIES)
def test_generate_writes_what_hand_written_hooks_make_it_write(
    family, hf_models, wrapped, directions_of, unhooked
):
    model, tokenizer = hf_models(family)
    direction = directions_of(family).at(layer=1)
    unhooked(model)
    batch = batch_of(tokenizer)
    plain = generated(model, batch)
    for span, layers in (("onward", (1, 2, 3)), ("layer", (1,))):
        expected = by_hand(model, adding(direction, 3.0, layers), lambda: generated(model, batch))
        with wrapped(family).steer(direction, multiplier=3, span=span):
            assert generated(model, batch) == expected
        assert expected != plain
    assert generated(model, batch) == plain


@pytest.mark.parametrize("family", FAMILIES)
def test_a_left_padded_batch_and_single_prompts_write_what_a_recipes_cell_does(
    family, hf_models, wrapped, directions_of
):
    model, tokenizer = hf_models(family)
    handle, direction = wrapped(family), directions_of(family).at(layer=2)
    edits = tuple(Edit(layer, add=direction.unit * 5.0) for layer in (2, 3))
    prompts = [Prompt(text, text) for text in TEXTS]
    rows = [Row(prompt, Intervention(edits)) for prompt in prompts]
    engine = dict(generate(handle, rows, GenerationOptions(max_new_tokens=12)))
    with handle.steer(direction, multiplier=5):
        together = generated(model, batch_of(tokenizer))
        alone = [generated(model, batch_of(tokenizer, [text]))[0] for text in TEXTS]
    for row, tokens in enumerate(together):
        assert tuple(tokens[: len(engine[row].token_ids)]) == engine[row].token_ids
        assert tuple(alone[row][: len(engine[row].token_ids)]) == engine[row].token_ids


@pytest.mark.parametrize("name", ["qwen2-s", "gemma2-s", "mistral-s"])
def test_a_bundled_model_writes_what_its_run_has_written(name, tmp_path):
    recipe = {
        "run": {"name": "small"},
        "model": {"id": f"bundled:{name}", "device": "cpu"},
        "prompts": {"contrast": "refusal-5", "evaluation": "benign-30"},
        "extractor": {"use": "dim"},
        "selector": {"use": "fixed", "layer": 2},
        "site": {"use": "residual-add", "multiplier": 0.5, "unit": "residual", "span": "layer"},
        "classifier": {"use": "refusal-keywords"},
        "controls": {"random": 0, "shuffled": 0, "flipped": False},
        "generation": {"max_new_tokens": 20},
    }
    report = steerkit_core.run(recipe, out=tmp_path / "run")
    handle = steerkit_core.load_model(f"bundled:{name}", device="cpu")
    directions = steerkit_core.extract(handle, contrast="refusal-5")
    kept = report.directions()
    assert torch.equal(directions.units, kept.units)
    assert torch.equal(directions.raw_norms, kept.raw_norms)
    assert directions.residual_norms == kept.residual_norms
    rows = report.completions(report.selected.id)[:6]
    with handle.steer(kept.at(layer=2), multiplier=0.5, unit="residual", span="layer"):
        answers = handle.complete([row.prompt for row in rows], max_new_tokens=20)
        batch = batch_of(handle.tokenizer, [row.prompt for row in rows])
        tokens = generated(handle.model, batch, max_new_tokens=20, pad_token_id=handle.pad_id)
    assert [answer.text for answer in answers] == [row.text for row in rows]
    assert handle.tokenizer.batch_decode(tokens, skip_special_tokens=True) == [row.text for row in rows]


def test_ablation_everywhere_takes_the_direction_out(hf_models, wrapped, directions_of):
    model, tokenizer = hf_models("qwen2")
    direction = directions_of("qwen2").at(layer=1)
    with wrapped("qwen2").steer(direction, site="residual-ablate"):
        states = outputs_of(model, batch_of(tokenizer))
    for state in states:
        assert float((state @ direction.unit).abs().max()) < 1e-4 * float(state.norm(dim=-1).max())


@pytest.mark.parametrize(
    "options",
    [
        {"num_beams": 3},
        {"use_cache": False},
        {"do_sample": True, "temperature": 0.7},
        {"prompt_lookup_num_tokens": 2},
        {"cache_implementation": "static"},
    ],
    ids=str,
)
def test_every_way_to_generate_is_steered(options, hf_models, wrapped, directions_of, unhooked):
    model, tokenizer = hf_models("qwen2")
    direction = directions_of("qwen2").at(layer=1)
    unhooked(model)
    batch = batch_of(tokenizer, TEXTS[:1])

    def write():
        torch.manual_seed(7)
        return generated(model, batch, **options)

    plain = write()
    expected = by_hand(model, adding(direction, 4.0, (1, 2, 3)), write)
    with wrapped("qwen2").steer(direction, multiplier=4):
        assert write() == expected
    assert expected != plain
    assert write() == plain


@pytest.mark.filterwarnings("ignore")  # reason: what the compiler has to say of itself
def test_a_compiled_model_is_steered_however_blocks_are_left(hf_models, wrapped, directions_of):
    model, tokenizer = hf_models("mistral")
    batch = batch_of(tokenizer, TEXTS[:1])
    traced = []

    def backend(graph, _inputs):
        traced.append(graph)
        return graph.forward

    faster = torch.compile(model, backend=backend)
    one, other = (wrapped("mistral").steer(directions_of("mistral").at(layer=1), m) for m in (3.0, 8.0))

    def logits(called):
        with torch.no_grad():
            return called(**batch, use_cache=False).logits

    plain, compiled = logits(faster), len(traced)
    assert compiled
    one.__enter__()
    first = logits(model)
    assert torch.equal(logits(faster), first)
    assert not torch.allclose(first, plain, atol=1e-2)
    other.__enter__()
    one.__exit__(None, None, None)
    second = logits(model)
    assert torch.equal(logits(faster), second)
    assert not torch.allclose(first, second, atol=1e-2)
    other.__exit__(None, None, None)
    assert torch.equal(logits(faster), plain)
    assert len(traced) == compiled
    assert torch._dynamo.eval_frame._stance.stance == "default"


def test_an_assistant_is_not_steered_and_changes_no_greedy_text(wrapped, hf_models, directions_of):
    model, tokenizer = hf_models("qwen2")
    assistant = tiny_model("qwen2", layers=2, hidden=32, seed=8)
    batch = batch_of(tokenizer, TEXTS[:1])
    with wrapped("qwen2").steer(directions_of("qwen2").at(layer=1), multiplier=4):
        assert generated(model, batch, assistant_model=assistant) == generated(model, batch)


def test_a_pipeline_is_steered(qwen, refusal, unhooked):
    from transformers import pipeline

    unhooked(qwen.model)
    writer = pipeline("text-generation", model=qwen.model, tokenizer=qwen.tokenizer)
    chats = [[{"role": "user", "content": text}] for text in ("Name a colour.", "How do I bake bread?")]
    settings = {"max_new_tokens": 10, "do_sample": False, "batch_size": 2}

    def answers():
        return [found[0]["generated_text"][-1]["content"] for found in writer(chats, **settings)]

    plain = answers()
    with qwen.steer(refusal.at(layer=1), multiplier=4):
        steered = answers()
        assert steered == [
            one.text for one in qwen.complete([c[0]["content"] for c in chats], max_new_tokens=10)
        ]
    assert all(text.startswith("I have to refuse") for text in steered)
    assert answers() == plain


def test_two_blocks_nest_in_order_and_each_leaves_the_other(
    hf_models, wrapped, directions_of, vector, unhooked
):
    model, tokenizer = hf_models("qwen2")
    unhooked(model)
    one = directions_of("qwen2").at(layer=1)
    other = evolve(one, unit=vector(5))
    batch = batch_of(tokenizer)

    def project(h):
        return h - (h @ other.unit).unsqueeze(-1) * other.unit

    inner_last = {1: lambda h: project(h + one.unit * 3), 2: project, 3: project, 0: project}
    inner_first = {1: lambda h: project(h) + one.unit * 3, 2: project, 3: project, 0: project}

    def states():
        return outputs_of(model, batch)[1]

    add = wrapped("qwen2").steer(one, multiplier=3, span="layer")
    ablate = wrapped("qwen2").steer(other, site="residual-ablate")
    plain = states()
    with add:
        added = states()
        with ablate:
            both = states()
        assert torch.equal(states(), added)
    with ablate, add:
        turned = states()
    assert torch.equal(states(), plain)
    assert torch.allclose(both, by_hand(model, inner_last, states), atol=1e-5)
    assert torch.allclose(turned, by_hand(model, inner_first, states), atol=1e-5)
    assert not torch.allclose(both, turned, atol=1e-2)
    with wrapped("qwen2").steer([one, one], multiplier=1.5, span="layer"):
        assert torch.allclose(states(), added, atol=1e-5)
    with add, add:
        twice = states()
    assert torch.allclose(twice, by_hand(model, adding(one, 6.0, (1,)), states), atol=1e-5)


def test_it_undoes_itself_however_it_is_left(wrapped, directions_of):
    handle = wrapped("qwen2")
    steered = handle.steer(directions_of("qwen2").at(layer=1), multiplier=3, tokens="answer")
    before = hooks_of(handle.model)

    def stopped(error):
        with steered:
            assert hooks_of(handle.model) != before
            raise error

    for error in (ValueError, KeyboardInterrupt):
        with pytest.raises(error):
            stopped(error)
        assert hooks_of(handle.model) == before

    def left_open():
        with steered:
            yield

    generator = left_open()
    next(generator)
    with steered:
        del generator
        gc.collect()
        assert hooks_of(handle.model) != before
    assert hooks_of(handle.model) == before


def test_gradients_flow_through_what_is_steered(hf_models, wrapped, directions_of):
    model, tokenizer = hf_models("qwen2")
    batch = batch_of(tokenizer, TEXTS[:1])
    steered = wrapped("qwen2").steer(directions_of("qwen2").at(layer=1), multiplier=3)
    embedded = model.get_input_embeddings()(batch["input_ids"]).detach().requires_grad_()
    with steered:
        wrapped("qwen2").complete("Why?", max_new_tokens=2)  # in inference mode first
        model(inputs_embeds=embedded, attention_mask=batch["attention_mask"]).logits.sum().backward()
    assert float(embedded.grad.norm()) > 0


def test_threads_that_are_at_different_places_do_not_disturb_each_other(hf_models, wrapped, directions_of):
    model, tokenizer = hf_models("qwen2")
    batch = batch_of(tokenizer, TEXTS[:1])
    handle, direction = wrapped("qwen2"), directions_of("qwen2").at(layer=1)
    begun, go_on, found, main = Event(), Event(), [], get_ident()

    def logits():
        with torch.no_grad():
            return model(**batch).logits

    def halfway(_module, _arguments):
        if get_ident() != main:
            begun.set()
            go_on.wait(20)

    expected = by_hand(model, adding(direction, 6.0, (1, 2, 3)), logits)
    waiting = model.get_input_embeddings().register_forward_pre_hook(halfway)
    with handle.steer(direction, 6, tokens="prompt"):
        reading = Thread(target=lambda: found.append(logits()))
        reading.start()
        assert begun.wait(20)
        generated(model, batch, max_new_tokens=3)
        go_on.set()
        reading.join(20)
    waiting.remove()
    assert torch.allclose(found[0], expected, atol=1e-5)
    assert not torch.allclose(logits(), expected, atol=1e-2)


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_reported_of_a_layer_is_what_the_next_one_gets(
    family, hf_models, wrapped, directions_of, unhooked
):
    model, tokenizer = hf_models(family)
    batch = batch_of(tokenizer, TEXTS[:1])
    one, seen = wrapped(family).steer(directions_of(family).at(layer=1), 3, span="layer"), []

    def reported():
        with torch.no_grad():
            return model(**batch, output_hidden_states=True).hidden_states

    plain = reported()  # from now on transformers has its own hooks there
    unhooked(model)
    own = model.get_decoder().layers[1].register_forward_hook(lambda _m, _a, out: seen.append(out))
    with one:
        steered = reported()
        with one:
            twice = reported()
    own.remove()
    for found, length in ((steered, 3.0), (twice, 6.0)):
        assert torch.allclose(found[2], plain[2] + length * directions_of(family).at(1).unit, atol=1e-5)
        assert torch.equal(found[1], plain[1])
    for out, found in zip(seen, (steered, twice), strict=True):
        assert torch.equal(out, found[2])
