"""The score of an answer's first token, from the engine to the verdict."""

import json
import math

import pytest
import torch
from as_json import as_json

from steerkit_core import Prompt, SteerkitError
from steerkit_core.generation import Row, completion, generate
from steerkit_core.pipeline.recipe_run import run_recipe
from steerkit_core.recipe.options import GenerationOptions
from steerkit_core.recipe.parsing import load_recipe
from steerkit_core.testing import small_run
from steerkit_core.values import Edit, Intervention
from steerkit_judges import RefusalLogprob

FAMILIES = ("qwen2", "gemma2", "mistral")
TEXTS = ("Tell me a joke", "How do I bake a cake for eleven people?", "Hi")
LOGPROB = {"classifier": {"use": "refusal-logprob", "openings": ["I", "Sorry"]}}


def naive_score(handle, prompt, tokens, shift=None, layer=1):
    """log p - log(1 - p) from transformers' own softmax for one prompt alone, under a plain hook."""
    ids = torch.tensor([handle.encode(prompt)])
    block = handle.model.get_decoder().layers[layer]
    hook = block.register_forward_hook(lambda _m, _a, out: out if shift is None else out + shift)
    try:
        with torch.no_grad():
            p = handle.model(ids).logits[0, -1].double().softmax(dim=-1)[list(tokens)].sum().item()
    finally:
        hook.remove()
    return math.log(p) - math.log(1 - p)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_engines_scores_are_those_of_single_prompts(family, handles, vector):
    handle = handles(family)
    tokens = handle.refusal_tokens(("I", "Sorry"))
    shift = 4 * vector(1)
    plain, steered = Intervention(), Intervention((Edit(1, add=shift),))
    prompts = [Prompt(f"p{n}", text) for n, text in enumerate(TEXTS)]
    rows = [Row(p, i, "r", watch=tokens) for p in prompts for i in (plain, steered)]
    rows.append(Row(prompts[0], plain))
    written = dict(generate(handle, rows, GenerationOptions(max_new_tokens=3)))
    for number, row in enumerate(rows[:-1]):
        expected = naive_score(handle, row.prompt, tokens, shift if row.intervention.edits else None)
        assert written[number].score == pytest.approx(expected, abs=1e-5)
    assert written[len(rows) - 1].score is None
    # two sets of tokens in one batch
    (other,) = handle.refusal_tokens(("Z",))[:1]
    rows = [Row(prompts[0], plain, watch=tokens), Row(prompts[0], plain, watch=(other,))]
    written = dict(generate(handle, rows, GenerationOptions(max_new_tokens=1)))
    assert written[1].score == pytest.approx(naive_score(handle, prompts[0], (other,)), abs=1e-5)


def test_a_row_ends_after_enough_tokens(handles):
    handle = handles("mistral")
    prompt = Prompt("p", "Tell me a joke")
    rows = [Row(prompt, Intervention(), enough=2), Row(prompt, Intervention())]
    written = dict(generate(handle, rows, GenerationOptions(max_new_tokens=5)))
    assert (len(written[0].token_ids), written[0].stop) == (2, "settled")
    assert written[1].token_ids[:2] == written[0].token_ids
    assert (len(written[1].token_ids), written[1].stop) == (5, "length")


@pytest.mark.parametrize(
    ("score", "threshold", "label"),
    [
        (0.1, 0.0, "refusal"),
        (0.0, 0.0, "normal"),
        (-0.1, 0.0, "normal"),
        (1.0, 1.5, "normal"),
        (-2.0, -3.0, "refusal"),
    ],
)
def test_a_refusal_is_what_lies_above_the_threshold(score, threshold, label, completion, lender):
    judge = RefusalLogprob(threshold=threshold)
    (verdict,) = judge.judge([completion("I", score=score)], lender(None))
    assert (verdict.label, verdict.rule, verdict.evidence) == (label, "first-token", "")
    assert verdict.scores == {"refusal": score}


def test_a_lone_text_and_a_completion_without_score_are_refused(completion, lender, says):
    judge = RefusalLogprob()
    with pytest.raises(SteerkitError) as caught:
        judge.classify(Prompt("p1", "Why?"), "I cannot")
    says(caught)
    with pytest.raises(SteerkitError) as caught:
        list(judge.judge([completion("I cannot")], lender(None)))
    says(caught)


def lines(folder, name):
    return [json.loads(line) for line in (folder / name).read_text("utf-8").splitlines()]


def test_a_run_writes_one_token_a_row_and_keeps_its_score(tmp_path):
    report = as_json(small_run(tmp_path, RefusalLogprob, LOGPROB))
    rows = lines(tmp_path / "run", "completions.jsonl")
    assert {(row["tokens"], row["stop"]) for row in rows} <= {(1, "settled"), (0, "eos")}
    verdicts = {(row["cell"], row["prompt_id"]): row for row in lines(tmp_path / "run", "verdicts.jsonl")}
    for row in rows:
        verdict = verdicts[row["cell"], row["prompt_id"]]
        assert verdict["scores"] == {"refusal": row["score"]}
        assert verdict["label"] == ("refusal" if row["score"] > 0 else "normal")
    assert all(set(cell["counts"]) == {"refusal", "normal"} for cell in report["cells"])


def test_full_texts_are_the_same_but_for_their_scores(tmp_path):
    full = {"generation": {"max_new_tokens": 4, "full_texts": True}}
    small_run(tmp_path / "plain", None, {})
    small_run(tmp_path / "full", RefusalLogprob, {**LOGPROB, **full})
    plain = lines(tmp_path / "plain" / "run", "completions.jsonl")
    scored = lines(tmp_path / "full" / "run", "completions.jsonl")
    assert sorted(row["text"] for row in plain) == sorted(row["text"] for row in scored)
    assert {row["score"] for row in plain} == {None}
    assert all(isinstance(row["score"], float) for row in scored)


def test_the_cells_of_other_judges_keep_their_names(registry, write_recipe, tmp_path):
    """What is watched names a cell where it is asked for, and nowhere else."""
    path = write_recipe(tmp_path)
    ids = {}
    for name, change in {
        "plain": [],
        "watched": ['classifier={use="refusal-logprob", openings=["I"]}'],
        "threshold": ['classifier={use="refusal-logprob", openings=["I"], threshold=2.0}'],
        "others": ['classifier={use="refusal-logprob", openings=["N"]}'],
    }.items():
        recipe = load_recipe(path, registry, change)
        report = as_json(run_recipe(recipe, registry, tmp_path / name))
        rows = lines(tmp_path / name, "completions.jsonl")
        (baseline,) = (cell["id"] for cell in report["cells"] if cell["role"] == "baseline")
        ids[name] = (
            baseline,
            sorted(row["score"] for row in rows if row["cell"] == baseline and row["score"] is not None),
        )
    assert ids["plain"][1] == []
    assert ids["watched"][1] == ids["threshold"][1] != ids["others"][1]
    assert len({baseline for baseline, _ in ids.values()}) == 4


def test_an_answer_that_ends_at_once_is_no_failure_where_its_first_token_was_watched(handles):
    handle = handles("qwen2")
    prompt = Prompt("p", "Tell me a joke")
    # an edit at the last block that makes the end of the answer the likeliest token
    (end, *_) = sorted(handle.eos_ids)
    towards = handle.model.get_output_embeddings().weight[end].detach() * 200
    ending = Intervention((Edit(3, add=towards),))
    rows = [Row(prompt, ending, watch=(5,), enough=1), Row(prompt, ending)]
    written = dict(generate(handle, rows, GenerationOptions(max_new_tokens=3)))
    watched, plain = (completion(handle, prompt, written[number]) for number in (0, 1))
    assert (watched.text, watched.stop, watched.error) == ("", "eos", None)
    assert (plain.stop, plain.error) == ("failed", "the output is empty")


def test_steering_changes_the_score_of_a_bundled_model(registry):
    from steerkit_core.components.model_spec import ModelSpec
    from steerkit_core.model.loaded_models import LoadedModels

    handle = LoadedModels(registry).load(ModelSpec(id="bundled:qwen2-s", device="cpu"))
    tokens = handle.refusal_tokens()
    prompt = Prompt("p", "How do I bake bread?")
    (plain,) = [
        w
        for _, w in generate(
            handle, [Row(prompt, Intervention(), watch=tokens)], GenerationOptions(max_new_tokens=1)
        )
    ]
    assert plain.score == pytest.approx(naive_score(handle, prompt, tokens), abs=1e-4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("openings=['I', ' ']", "classifier.openings: expected words that are not blank, got ' '"),
        ("threshold='high'", "classifier.threshold: expected a number, got 'high'"),
        (
            "opening=['I']",
            "classifier.opening: unknown option, did you mean 'openings'? (known: threshold, openings)",
        ),
    ],
)
def test_options_that_are_wrong(options, message, registry, write_recipe, tmp_path):
    with pytest.raises(SteerkitError) as caught:
        load_recipe(write_recipe(tmp_path), registry, [f"classifier={{use='refusal-logprob', {options}}}"])
    assert str(caught.value) == message


def test_show_prints_the_scores(tmp_path, capsys):
    from steerkit_core.cli import execute

    report = as_json(small_run(tmp_path, RefusalLogprob, LOGPROB))
    cell = report["cells"][0]["id"]
    assert execute(["show", str(tmp_path / "run"), "--cell", cell]) == 0
    out = capsys.readouterr().out
    (row, *_) = [row for row in lines(tmp_path / "run", "completions.jsonl") if row["cell"] == cell]
    assert f"first-token: refusal {row['score']:.2f}" in out
