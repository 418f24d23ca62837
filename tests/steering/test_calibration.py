"""Strengths that are searched: by functions of which the answer is known, and in a run against transformers."""

import json
import math

import pytest
import torch
from as_json import as_json
from made_results import run_results
from transformers import AutoModelForCausalLM, AutoTokenizer

from steerkit_core import Intervention, SteerkitError
from steerkit_core.errors import RecipeError
from steerkit_core.pipeline.recipe_run import run_recipe
from steerkit_core.recipe.parsing import load_recipe
from steerkit_core.report.content.maps import maps
from steerkit_core.steering.calibration import Wanted, bounds_of, solve


def searched(curve, *targets, first=1.0, largest=32.0, tolerance=0.01):
    rounds = []

    def measure(asked):
        rounds.append([index for index, _ in asked])
        return [curve(multiplier) for _, multiplier in asked]

    found = solve([Wanted(target, first, largest, "here") for target in targets], measure, tolerance)
    return found, rounds


def test_the_multiplier_is_the_inverse_of_the_curve():
    found, rounds = searched(lambda m: 0.02 * m**2, 0.001, 0.02, 0.5, 8.0)
    for one, target in zip(found, (0.001, 0.02, 0.5, 8.0), strict=True):
        assert one.achieved == pytest.approx(target, rel=0.01)
        assert one.multiplier == pytest.approx(math.sqrt(target / 0.02), rel=0.006)
        assert one.achieved == 0.02 * one.multiplier**2
    # all at once, and nothing again that is found
    assert rounds[0] == [0, 1, 2, 3]
    assert rounds[1] == [0, 2, 3]
    assert len(rounds) < 15


def test_numbers_that_overflow_are_too_strong():
    (one,), _ = searched(lambda m: 0.1 * m if m < 3 else math.nan, 0.25, first=8.0)
    assert one.multiplier == pytest.approx(2.5, rel=0.02)


def test_a_curve_that_falls_again_is_crossed_where_it_rises():
    (one,), _ = searched(lambda m: m * math.exp(-m), 0.2)
    assert one.achieved == pytest.approx(0.2, rel=0.01)
    assert one.multiplier < 1


@pytest.mark.parametrize(
    ("curve", "target", "message"),
    [
        (
            lambda m: 0.3 * (1 - math.exp(-m)),
            0.5,
            (
                "here: the mean KL reaches at most 0.3 nats, at multiplier 32, expected 0.5: choose a lower"
                " target"
            ),
        ),
        (
            lambda m: 0.7 + m,
            0.5,
            "here: the mean KL is at least 0.7 nats at every multiplier, expected 0.5: choose a higher target",
        ),
        (
            lambda _m: math.nan,
            0.5,
            "here: the mean KL is not finite at every multiplier, expected 0.5: choose a higher target",
        ),
        (
            lambda m: 0.1 if m < 3 else 2.0,
            0.5,
            (
                "here: the mean KL jumps over 0.5 nats at multiplier 3: choose another target or a larger"
                " tolerance"
            ),
        ),
    ],
)
def test_what_cannot_be_reached_is_one_sentence(curve, target, message):
    with pytest.raises(SteerkitError) as refused:
        searched(curve, target)
    assert str(refused.value) == message


def test_the_search_begins_at_a_tenth_of_the_residual_stream():
    assert bounds_of(Intervention(strength=4.0), 20.0) == (0.5, 160.0)
    assert bounds_of(Intervention(), 20.0) == (1.0, 32.0)


@pytest.fixture
def run(registry, write_recipe, tmp_path):
    path = write_recipe(tmp_path)

    def run(*changes, out="run"):
        recipe = load_recipe(
            path, registry, ["calibration.use=kl", "selector.multipliers=[0.02, 0.1]", *changes]
        )
        return as_json(run_recipe(recipe, registry, tmp_path / out)), tmp_path / out

    return run


def naive_divergence(model, tokenizer, prompts, layer, shift):
    """Mean KL of the next token, by transformers, one prompt at a time, in float64."""
    found = []
    for prompt in prompts:
        chat = [{"role": "user", "content": prompt.text}]
        inputs = tokenizer.apply_chat_template(
            chat, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        with torch.no_grad():
            plain = model(**inputs).logits[0, -1].double().softmax(-1)
            handles = [
                block.register_forward_hook(lambda _m, _i, output: output + shift)
                for block in model.model.layers[layer:]
            ]
            steered = model(**inputs).logits[0, -1].double().softmax(-1)
            for handle in handles:
                handle.remove()
        found.append(float((plain * (plain / steered).log()).sum()))
    return sum(found) / len(found)


def test_every_cell_has_the_divergence_that_was_asked_for(run, registry, model_folder):
    from safetensors import safe_open

    report, folder = run()
    model = AutoModelForCausalLM.from_pretrained(model_folder, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(model_folder)
    neutral = [p for p in registry.get("prompt set", "refusal-5")().prompts() if p.role == "negative"]
    steered = [cell for cell in report["cells"] if cell["role"] == "steered"]
    assert {(cell["layer"], cell["calibration"]["target"]) for cell in steered} == {
        (layer, target) for layer in (1, 2) for target in (0.02, 0.1)
    }
    with safe_open(folder / "directions.safetensors", framework="pt") as file:
        for cell in steered:
            unit = file.get_tensor(f"{cell['extraction']}.units")[0, cell["layer"]]
            shift = cell["multiplier"] * unit
            expected = naive_divergence(model, tokenizer, neutral, cell["layer"], shift)
            found = cell["calibration"]
            assert found["achieved"] == pytest.approx(expected, rel=1e-3)
            assert found["achieved"] == pytest.approx(found["target"], rel=0.05)
            assert found["use"] == "kl"
    (baseline,) = (cell for cell in report["cells"] if cell["role"] == "baseline")
    assert baseline["calibration"] is None
    (drawn,) = maps(run_results(**report))
    assert (drawn.axis, drawn.layers, drawn.multipliers) == ("KL in nats", (1, 2), (0.02, 0.1))


def test_a_run_that_goes_on_searches_nothing_again(run, monkeypatch):
    report, folder = run()
    kept = (folder / "calibrations.jsonl").read_bytes()
    assert len(kept.splitlines()) == 4
    row = json.loads(kept.splitlines()[0])
    assert set(row) == {"key", "use", "layer", "position", "target", "tokens", "multiplier", "achieved"}
    monkeypatch.setattr("steerkit_core.steering.calibration.divergences", None)
    again, _ = run()
    assert again == report
    assert (folder / "calibrations.jsonl").read_bytes() == kept


def test_a_damaged_line_says_where_it_stands(run):
    _, folder = run()
    path = folder / "calibrations.jsonl"
    path.write_text('{"key": "a"}\n')
    with pytest.raises(SteerkitError) as refused:
        run()
    assert f"{path}:1: use is missing" in str(refused.value)


def test_without_multipliers_the_recipes_target_is_searched(run):
    report, _ = run("selector={use = 'fixed', layer = 1}", "calibration.target=0.05")
    (cell,) = (cell for cell in report["cells"] if cell["role"] == "steered")
    assert cell["calibration"]["target"] == 0.05
    assert cell["calibration"]["achieved"] == pytest.approx(0.05, rel=0.05)


def test_the_last_word_of_an_unreachable_target_is_the_largest_divergence(run):
    with pytest.raises(SteerkitError) as refused:
        run("selector.multipliers=[1000.0]")
    message = str(refused.value)
    assert message.startswith("calibration at layer 1, position -1: the mean KL reaches at most ")
    assert message.endswith(", expected 1000: choose a lower target")


def test_a_site_that_edits_generated_tokens_alone_moves_no_first_token(run):
    with pytest.raises(SteerkitError) as refused:
        run("site.tokens=generated")
    message = str(refused.value)
    assert message.startswith("calibration at layer 1, position -1: the mean KL reaches at most 0 nats, at")


def naive_along(model, tokenizer, prompts, tokens, layer, shift, generated_only=False):
    """The same along transformers' own greedy answer, one pass over prompt and answer, in float64."""
    found = []
    for prompt in prompts:
        chat = [{"role": "user", "content": prompt.text}]
        inputs = tokenizer.apply_chat_template(
            chat, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        start = inputs["input_ids"].shape[1]
        written = model.generate(**inputs, max_new_tokens=tokens, do_sample=False)
        ids = written[:, :-1]

        def edit(_module, _inputs, output, start=start):
            where = torch.arange(output.shape[1]) >= (start if generated_only else 0)
            return output + where[None, :, None] * shift

        with torch.no_grad():
            plain = model(input_ids=ids).logits[0, start - 1 :].double().softmax(-1)
            handles = [block.register_forward_hook(edit) for block in model.model.layers[layer:]]
            steered = model(input_ids=ids).logits[0, start - 1 :].double().softmax(-1)
            for handle in handles:
                handle.remove()
        assert len(plain) <= tokens
        found.append(float((plain * (plain / steered).log()).sum(-1).mean()))
    return sum(found) / len(found)


@pytest.mark.parametrize("span", ["all", "generated"])
def test_of_several_tokens_it_is_the_mean_along_the_unsteered_answer(run, registry, model_folder, span):
    from safetensors import safe_open

    report, folder = run(
        "calibration.tokens=5",
        f"site.tokens={span}",
        "selector={use = 'fixed', layer = 1}",
        "calibration.target=0.05",
    )
    model = AutoModelForCausalLM.from_pretrained(model_folder, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(model_folder)
    neutral = [p for p in registry.get("prompt set", "refusal-5")().prompts() if p.role == "negative"]
    (cell,) = (cell for cell in report["cells"] if cell["role"] == "steered")
    with safe_open(folder / "directions.safetensors", framework="pt") as file:
        shift = cell["multiplier"] * file.get_tensor(f"{cell['extraction']}.units")[0, 1]
    expected = naive_along(model, tokenizer, neutral, 5, 1, shift, generated_only=span == "generated")
    assert cell["calibration"]["tokens"] == 5
    assert cell["calibration"]["achieved"] == pytest.approx(expected, rel=1e-3)
    assert cell["calibration"]["achieved"] == pytest.approx(0.05, rel=0.05)


@pytest.mark.parametrize("site", ["residual-clamp", "residual-affine", "attention-add", "mlp-add"])
def test_any_site_with_a_multiplier_can_be_calibrated(site, run):
    module = {"attention-add": "attention", "mlp-add": "mlp"}.get(site, "residual")
    changes = [
        f"site={{use = '{site}'}}",
        f"extractor.module={module}",
        "selector={use = 'fixed', layer = 1}",
    ]
    # what sets the projection moves the distribution at a multiplier of 0 too
    report, _ = run(*changes, "calibration.target=0.3", out=site)
    (cell,) = (cell for cell in report["cells"] if cell["role"] == "steered")
    assert cell["calibration"]["achieved"] == pytest.approx(0.3, rel=0.05)
    assert set(cell["strength"]) == {"absolute", "residual", "raw"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            ["site.multiplier=2.0"],
            (
                "calibration: site.multiplier is 2, but 'kl' searches it: leave it out, or set"
                " calibration.use to 'none'"
            ),
        ),
        (
            ["site={use = 'residual-ablate'}", "selector={use = 'fixed', layer = 1}"],
            "calibration: site 'residual-ablate' takes no multiplier that could be searched",
        ),
        (
            ["selector.multipliers=[0.0, 1.0]"],
            (
                "calibration: under 'kl' the selector's multipliers are targets in nats, expected numbers"
                " above 0, got 0"
            ),
        ),
        (["calibration.target=0"], "calibration.target: expected a number above 0, got 0.0"),
        (
            ["calibration.tolerance=0.9"],
            "calibration.tolerance: expected a number in [0.001, 0.5], got 0.9",
        ),
        (["calibration.use=lk"], "calibration.use: expected one of 'none', 'kl', got 'lk'"),
    ],
)
def test_a_mistake_is_one_line(changes, message, run):
    with pytest.raises(RecipeError) as refused:
        run(*changes)
    assert str(refused.value) == message
