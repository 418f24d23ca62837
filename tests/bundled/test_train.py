"""The training script: the same seed gives the same files, and the mask hides what it should."""

import json
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file

from steerkit_bundled.architectures import ARCHITECTURES
from steerkit_bundled.batches import OWN, SUFFIX, USER, attention_mask, collate, encode
from steerkit_bundled.corpus import Answer, Row
from steerkit_bundled.train import build, main, train


def test_the_same_seed_gives_the_same_weights(tmp_path: Path) -> None:
    for run in ("first", "again"):
        outcome = CliRunner().invoke(main, ["mistral-s", "--steps", "2", "--out", str(tmp_path / run)])
        assert outcome.exit_code == 0, outcome.output
    first, again = (load_file(tmp_path / run / "model.safetensors") for run in ("first", "again"))
    assert first.keys() == again.keys()
    assert all(torch.equal(first[key], again[key]) for key in first)
    records = [json.loads((tmp_path / run / "training.json").read_text()) for run in ("first", "again")]
    assert records[0]["corpus_sha256"] == records[1]["corpus_sha256"]
    assert (tmp_path / "first" / "tokenizer.json").read_bytes() == (
        tmp_path / "again" / "tokenizer.json"
    ).read_bytes()


def test_another_seed_gives_other_weights(tmp_path: Path) -> None:
    for seed in (0, 1):
        train("mistral-s", tmp_path / str(seed), seed=seed, steps=1)
    first, other = (load_file(tmp_path / str(seed) / "model.safetensors") for seed in (0, 1))
    key = "model.layers.0.mlp.up_proj.weight"
    assert not torch.equal(first[key], other[key])


def test_mask_shows_an_answer_only_what_it_may_see() -> None:
    # Prompt: a token for all, one of the user, one of the suffix. Two answers of one token each.
    parts = torch.tensor([[0, 0, 0, 1, 2]])
    ranks = torch.tensor([[OWN, USER, SUFFIX, OWN, OWN]])
    needs = torch.tensor([[USER, USER, USER, USER, SUFFIX]])
    seen = (attention_mask(parts, ranks, needs)[0, 0] == 0).int().tolist()
    assert seen == [
        [1, 0, 0, 0, 0],
        [1, 1, 0, 0, 0],
        [1, 1, 1, 0, 0],
        [1, 1, 1, 1, 0],
        [1, 0, 1, 0, 1],
    ]


@pytest.mark.parametrize("name", ["qwen2-s", "gemma2-s", "mistral-s"])
def test_answers_that_share_a_prompt_are_scored_as_if_alone(name: str) -> None:
    """Hidden states of a packed row equal those of transformers on each text by itself."""
    model, tokenizer = build(name, 0)
    family = ARCHITECTURES[name].family
    answers = (Answer("", "Yes, of course.", "all"), Answer("No.", "It is easy to bake.", "all"))
    packed = encode(Row("How do I bake bread?", harmful=False, answers=answers), tokenizer, family)
    batch = collate([packed], tokenizer.pad_token_id)
    mask = batch.mask
    given = {"full_attention": mask, "sliding_attention": mask} if name == "gemma2-s" else mask
    hidden = (
        model.eval()
        .model(input_ids=batch.tokens, attention_mask=given, position_ids=batch.positions)
        .last_hidden_state[0]
    )
    for number in (1, 2):
        own = [at for at, part in enumerate(packed.parts) if part in (0, number)]
        alone = model.model(input_ids=batch.tokens[:, own]).last_hidden_state[0]
        torch.testing.assert_close(hidden[own], alone, rtol=1e-4, atol=1e-4)
