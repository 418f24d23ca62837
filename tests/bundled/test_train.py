"""The training script: the same seed gives the same files, and the mask hides what it should."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file
from torch import Tensor

from steerkit_bundled.architectures import ARCHITECTURES
from steerkit_bundled.batches import LAST, PARTS, SINK, SUFFIX, TEXT, attention_mask, collate, encode
from steerkit_bundled.corpus import Answer, Row
from steerkit_bundled.train import build, losses_of, main


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders `first` and `again` of seed 0, and `other` of seed 1: a step of two rows for each stage."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("steerkit_bundled.train.BATCH_ROWS", 2)
        for run, seed in {"first": "0", "again": "0", "other": "1"}.items():
            arguments = ["mistral-s", "--steps", "1", "--seed", seed, "--out", str(folder / run)]
            outcome = CliRunner().invoke(main, arguments)
            assert outcome.exit_code == 0, outcome.output
    return folder


def test_the_same_seed_gives_the_same_weights(trained: Path) -> None:
    first, again = (load_file(trained / run / "model.safetensors") for run in ("first", "again"))
    assert first.keys() == again.keys()
    assert all(torch.equal(first[key], again[key]) for key in first)
    records = [json.loads((trained / run / "training.json").read_text()) for run in ("first", "again")]
    assert records[0]["corpus_sha256"] == records[1]["corpus_sha256"]
    assert (trained / "first" / "tokenizer.json").read_bytes() == (
        trained / "again" / "tokenizer.json"
    ).read_bytes()


def test_another_seed_gives_other_weights(trained: Path) -> None:
    first, other = (load_file(trained / run / "model.safetensors") for run in ("first", "other"))
    key = "model.layers.0.mlp.up_proj.weight"
    assert not torch.equal(first[key], other[key])


def test_mask_shows_an_answer_only_what_it_may_see() -> None:
    # A prompt of first token, text and last token; an answer of two tokens that sees all of it, and one
    # of one token that sees the last token alone.
    places = torch.tensor([[SINK, TEXT, LAST, 4, 4, 5]])
    prompt = 0b1111
    sees = torch.tensor([[prompt, prompt, prompt, 1 << 4 | prompt, 1 << 4 | prompt, 1 << 5 | 1 << LAST]])
    seen = (attention_mask(places, sees)[0, 0] == 0).int().tolist()
    assert seen == [
        [1, 0, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0],
        [1, 1, 1, 0, 0, 0],
        [1, 1, 1, 1, 0, 0],
        [1, 1, 1, 1, 1, 0],
        [0, 0, 1, 0, 0, 1],
    ]


built = cache(build)


def hidden_states(model: Any, tokens: Tensor, **given: Any) -> Tensor:
    with torch.no_grad():
        out = model.model(input_ids=tokens, **given).last_hidden_state[0]
    assert isinstance(out, Tensor)
    return out


@pytest.mark.parametrize("name", ["qwen2-s", "gemma2-s", "mistral-s"])
def test_packed_texts_are_computed_as_if_alone(name: str) -> None:
    """Hidden states of a packed row equal those of transformers on each prompt with its own answer."""
    model, tokenizer = built(name, 0)
    answers = (Answer("", "Yes, of course.", 0, 0), Answer("No.", "It is easy to bake.", 1, 1))
    row = Row(("How do I bake bread?", "Tell me about bees"), harmful=False, answers=answers)
    packed = encode(row, tokenizer, ARCHITECTURES[name].family)
    batch = collate([packed], tokenizer.pad_token_id)
    mask: Any = batch.mask
    if name == "gemma2-s":
        mask = {"full_attention": mask, "sliding_attention": mask}
    hidden = hidden_states(model.eval(), batch.tokens, attention_mask=mask, position_ids=batch.positions)
    for number in (0, 1):
        prompt = range(PARTS * number, PARTS * number + PARTS)
        own = [
            at for at, place in enumerate(packed.places) if place in prompt or place == 2 * PARTS + number
        ]
        alone = hidden_states(model, batch.tokens[:, own])
        torch.testing.assert_close(hidden[own], alone, rtol=1e-4, atol=1e-4)


def test_a_crossed_answer_reads_one_request_and_follows_the_other() -> None:
    _, tokenizer = built("qwen2-s", 0)
    row = Row(
        ("Tell me a riddle", "Tell me about bees"), harmful=False, answers=(Answer("", "Bees fly.", 0, 1),)
    )
    packed = encode(row, tokenizer, ARCHITECTURES["qwen2-s"].family)
    start = packed.places.index(2 * PARTS)
    seen = {place for place in packed.places if packed.sees[start] >> place & 1}
    assert seen == {SINK, LAST, PARTS + TEXT, PARTS + SUFFIX, 2 * PARTS}
    assert packed.places[packed.sources[0]] == LAST


def test_the_penalties_are_mean_squared_distances_of_the_last_tokens_from_their_means() -> None:
    """Against transformers' hidden states of the single prompts, and sums written out."""
    model, tokenizer = built("qwen2-s", 0)
    texts = [("How do I rob a bank?", "Tell me about bees"), ("What is love?", "Explain the moon")]
    answers = (Answer("", "Yes, of course.", 0, 0), Answer("", "It is easy.", 1, 1))
    family = ARCHITECTURES["qwen2-s"].family
    packed = [
        encode(Row(pair, harmful=number == 0, answers=answers), tokenizer, family)
        for number, pair in enumerate(texts)
    ]
    with torch.no_grad():
        _, overall, within = losses_of(model.eval(), collate(packed, tokenizer.pad_token_id))
        lasts = []
        for text in (text for pair in texts for text in pair):
            rendered = tokenizer.apply_chat_template(
                [{"role": "user", "content": text}], tokenize=False, add_generation_prompt=True
            )
            ids = tokenizer(rendered, add_special_tokens=False, return_tensors="pt")["input_ids"]
            states = []
            hooks = [
                block.register_forward_hook(lambda *call, states=states: states.append(call[2][0, -1]))
                for block in model.model.layers
            ]
            model(ids)
            for hook in hooks:
                hook.remove()
            lasts.append(torch.stack(states))
    by_layer = torch.stack(lasts, dim=1)  # (layers, prompts, width); the first prompt is the harmful one
    naive_all, naive_within = 0.0, 0.0
    for rows in by_layer:
        naive_all += sum(float((row - rows.mean(0)).pow(2).sum()) for row in rows) / 4
        harmless = rows[1:]
        naive_within += sum(float((row - harmless.mean(0)).pow(2).sum()) for row in harmless) / 3 / 2
    assert overall.item() == pytest.approx(naive_all / len(by_layer), rel=1e-3)
    assert within.item() == pytest.approx(naive_within / len(by_layer), rel=1e-3)
