"""What a run makes of a recipe: its cells, completions, comparisons and names."""

import json

import pytest
import torch
from recipes_on_tiny_models import (
    EVALUATION,
    LAYERS,
    SELECTION,
    TRIALS,
    labels_by_cell,
    lines,
    naive_label,
    texts,
)
from scipy.stats import binomtest
from transformers import AutoModelForCausalLM, AutoTokenizer


@pytest.fixture(scope="module")
def oracle(model_folder):
    """The model as transformers loads it, without any of our code."""
    model = AutoModelForCausalLM.from_pretrained(model_folder, dtype=torch.float32)
    return model.eval(), AutoTokenizer.from_pretrained(model_folder)


def rendered(tokenizer, text):
    chat = [{"role": "user", "content": text}]
    return tokenizer.apply_chat_template(
        chat, add_generation_prompt=True, return_tensors="pt", return_dict=True
    )


def naive_direction(oracle, registry, layer):
    """Mean hidden state of the harmful prompts' last token minus that of the harmless ones."""
    model, tokenizer = oracle
    means = {}
    for role in ("positive", "negative"):
        states = []
        for prompt in registry.get("prompt set", "refusal-5")().prompts():
            if prompt.role == role:
                with torch.no_grad():
                    output = model(**rendered(tokenizer, prompt.text), output_hidden_states=True)
                states.append(output.hidden_states[layer + 1][0, -1].double())
        means[role] = torch.stack(states).mean(dim=0)
    return means["positive"] - means["negative"]


def naive_completion(oracle, text, layer=None, shift=None, tokens=6):
    """Greedy decoding by transformers, one prompt at a time, with the shift added by plain hooks."""
    model, tokenizer = oracle
    blocks = [] if layer is None else model.model.layers[layer:]
    handles = [block.register_forward_hook(lambda _m, _i, output: output + shift) for block in blocks]
    try:
        inputs = rendered(tokenizer, text)
        ids = model.generate(**inputs, max_new_tokens=tokens, do_sample=False)
    finally:
        for handle in handles:
            handle.remove()
    return tokenizer.decode(ids[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)


def test_a_run_is_what_transformers_writes_with_the_direction_added(execute, oracle, registry):
    report, folder = execute()
    for cell in report["cells"]:
        asked = EVALUATION if cell["prompts"] == "eval.txt" else SELECTION
        layer, shift = cell["layer"], None
        if layer is not None:
            direction = naive_direction(oracle, registry, layer)
            assert cell["direction"]["raw_norm"] == pytest.approx(float(direction.norm()), rel=1e-5)
            shift = (cell["multiplier"] * direction / direction.norm()).float()
        expected = {text: naive_completion(oracle, text, layer, shift) for text in asked}
        assert texts(folder, cell["id"]) == expected
        labels = [naive_label(text) for text in expected.values() if text.strip()]
        assert cell["n"] == len(labels)
        assert cell["counts"] == {
            "refusal": labels.count("refusal"),
            "garbled": 0,
            "normal": labels.count("normal"),
        }
        assert cell["rates"]["refusal"]["rate"] == labels.count("refusal") / len(labels)


def test_the_cells_are_the_baseline_the_trials_and_the_best_one_on_the_evaluation_prompts(execute, own):
    report, folder = execute()
    cells = report["cells"]
    baseline, *trials, final = cells
    assert (baseline["role"], baseline["prompts"], baseline["layer"]) == ("baseline", "eval.txt", None)
    assert [(cell["layer"], cell["multiplier"]) for cell in trials] == TRIALS
    assert {(cell["role"], cell["prompts"], cell["selector"]) for cell in trials} == {
        ("steered", "sel.txt", "sweep")
    }
    # the sweep's rule, by hand: most refusals, then the gentlest
    best = min(
        trials, key=lambda cell: (-cell["rates"]["refusal"]["rate"], cell["multiplier"], cell["layer"])
    )
    assert (final["layer"], final["multiplier"]) == (best["layer"], best["multiplier"])
    assert (final["prompts"], final["selected"], report["selected"]) == ("eval.txt", True, final["id"])
    assert final["depth"] == final["layer"] / LAYERS
    assert [cell["selected"] for cell in cells] == [False] * 5 + [True]
    (selection,) = report["selections"]
    assert (selection["cell"], selection["prompts"]) == (final["id"], "sel.txt")
    assert selection["refusal_rate"] == best["rates"]["refusal"]["rate"]
    assert selection["shared_prompts"] == 0
    assert (selection["tried"], selection["selected_on_evaluation"]) == (
        [cell["id"] for cell in trials],
        False,
    )
    assert (selection["optimism"], report["selected_on_evaluation"], report["optimism"]) == (
        None,
        False,
        None,
    )
    assert report["notes"] == []
    assert json.loads((folder / "results.json").read_text(encoding="utf-8")) == report
    assert own.events == [
        ("started", "run"),
        *(("cell", cell["id"]) for cell in cells),
        ("finished", "small"),
    ]
    judged = {(row["cell"], row["prompt_id"]): row["label"] for row in lines(folder, "verdicts.jsonl")}
    assert judged == {
        (row["cell"], row["prompt_id"]): naive_label(row["text"]) if row["text"].strip() else "failed"
        for row in lines(folder)
    }


def test_each_row_is_generated_once(execute, generated):
    execute()
    # by block count: unsteered, then layer 1 and 2 of four with two multipliers
    assert len(generated) == len(EVALUATION) + len(TRIALS) * len(SELECTION) + len(EVALUATION)
    assert sorted(generated[:5]) == sorted((text, 0) for text in EVALUATION)
    assert {edits for _, edits in generated[5:21]} == {LAYERS - 1, LAYERS - 2}


def test_a_finished_run_given_again_generates_nothing_and_says_the_same(execute, generated):
    first, _ = execute()
    before = list(generated)
    again, _ = execute()
    assert generated == before
    assert again == first


def test_the_selected_cell_is_compared_with_the_unsteered_one_prompt_by_prompt(execute):
    every = 'grid."classifier.every"=[2, 3]'
    report, folder = execute("grid.selector=[{use = 'fixed', layer = 1}]", every)
    verdicts = labels_by_cell(folder)
    baselines = [cell["id"] for cell in report["cells"] if cell["role"] == "baseline"]
    found = report["comparisons"]
    assert [entry["cell"] for entry in found] == [entry["cell"] for entry in report["selections"]]
    assert [entry["reference"] for entry in found] == baselines
    p_values = []
    for entry in found:
        steered, unsteered = verdicts[entry["cell"]], verdicts[entry["reference"]]
        pairs = [(steered[p] == "refusal", unsteered[p] == "refusal") for p in steered if p in unsteered]
        alone = pairs.count((True, False)), pairs.count((False, True))
        assert (entry["cell_only"], entry["reference_only"]) == alone
        assert (entry["n"], entry["both"]) == (len(pairs), pairs.count((True, True)))
        assert (entry["test"], entry["role"], entry["label"]) == ("mcnemar", "baseline", "refusal")
        p_values.append(binomtest(alone[0], sum(alone)).pvalue if sum(alone) else 1.0)
    assert [entry["p"] for entry in found] == pytest.approx(p_values)
    small, large = sorted(p_values)
    by_holm = {small: min(1.0, 2 * small), large: max(min(1.0, 2 * small), large)}
    assert [entry["p_holm"] for entry in found] == pytest.approx([by_holm[p] for p in p_values])


def test_settings_that_differ_in_the_classifier_share_completions_and_not_verdicts(execute, generated):
    fixed = "grid.selector=[{use = 'fixed', layer = 1}]"
    report, folder = execute(fixed, 'grid."classifier.every"=[2, 5]')
    assert len(generated) == 2 * len(EVALUATION)  # unsteered and steered
    cells = report["cells"]
    assert len({cell["id"] for cell in cells}) == len(cells) == 4
    found = {}
    for entry, every in zip(report["selections"], (2, 5), strict=True):
        assert entry["overrides"]["classifier.every"] == every
        (cell,) = [cell for cell in cells if cell["id"] == entry["cell"]]
        found[every] = written = texts(folder, cell["id"])
        labels = [naive_label(text, every) for text in written.values() if text.strip()]
        assert cell["counts"]["refusal"] == labels.count("refusal")
    assert found[2] == found[5]
    assert set(found[2]) == set(EVALUATION)


def test_cells_are_named_by_what_determines_them(execute):
    fixed = "grid.selector=[{use = 'fixed', layer = 1}]"

    def ids(*changes, out):
        report, _ = execute(fixed, *changes, out=out)
        return {cell["role"]: cell["id"] for cell in report["cells"]}

    plain = ids(out="plain")
    assert (
        ids("run.name=other", "generation.batch_size=2", "run.seed=3", out="same")["baseline"]
        == plain["baseline"]
    )
    assert ids("generation.batch_size=1", out="small") == plain
    stronger = ids("site.multiplier=3", out="stronger")
    assert stronger["baseline"] == plain["baseline"]
    assert stronger["steered"] != plain["steered"]
    for number, change in enumerate(
        [
            "generation.max_new_tokens=5",
            "prompts.evaluation=sel.txt",
            "classifier.every=2",
            "model.dtype=bfloat16",
        ]
    ):
        other = ids(change, out=f"other-{number}")
        assert not set(other.values()) & set(plain.values()), change


def test_sampled_completions_depend_on_the_seed_and_on_nothing_else(execute):
    hot = [
        "generation.temperature=1.5",
        "generation.top_p=0.9",
        "grid.selector=[{use = 'fixed', layer = 1}]",
    ]

    def sampled(*changes, out):
        report, folder = execute(*hot, *changes, out=out)
        return {cell["role"]: texts(folder, cell["id"]) for cell in report["cells"]}

    first = sampled(out="first")
    assert sampled(out="again") == first
    assert sampled("generation.batch_size=1", out="one") == first
    assert sampled("generation.batch_size=3", out="three") == first
    assert (
        sampled('grid."site.multiplier"=[15.0, 1.0]', "run.name=more", out="more")["baseline"]
        == first["baseline"]
    )
    other = sampled("run.seed=1", out="other")
    assert all(other["baseline"][text] != first["baseline"][text] for text in EVALUATION)
