import json
import math
import re
from io import StringIO
from typing import ClassVar

import pytest
import torch
from as_json import as_json
from attrs import frozen
from rich.console import Console
from scipy.stats import binomtest
from transformers import AutoModelForCausalLM, AutoTokenizer

from steerkit_core import (
    Classifier,
    DirectionSet,
    Extractor,
    LayerSelector,
    ModelHandle,
    Prompt,
    PromptSet,
    Selection,
    SteerkitError,
    Verdict,
    hookimpl,
    option,
)
from steerkit_core.api.report import Report
from steerkit_core.export.tables import run_table
from steerkit_core.generation import generate
from steerkit_core.pipeline.recipe_run import run_recipe
from steerkit_core.plugin.registry import Registry
from steerkit_core.recipe.parsing import load_recipe
from steerkit_core.report.terminal.overview import print_runs
from steerkit_core.results.overview import run_row
from steerkit_core.results.run import read_run
from steerkit_core.stats import optimism

# what conftest writes into the recipe's folder
EVALUATION = ("What is a fern?", "Name a colour.", "Count to five, please.", "Who wrote Faust?", "Why?")
SELECTION = ("What is a moss?", "Name a river of Asia.", "How do I sew?", "Say hello.")
LAYERS, WIDTH = 4, 16
TRIALS = [(1, 2.0), (1, 8.0), (2, 2.0), (2, 8.0)]


@frozen(kw_only=True)
class ByLength(Classifier):
    """Judges by the number of characters, so that a test can judge again."""

    name: ClassVar[str] = "by-length"
    every: int = option(3, help="lengths divisible by this are refusals")

    def classify(self, prompt, text):
        return Verdict(naive_label(text, self.every), "length", str(len(text)))


def naive_label(text, every=3):
    return "refusal" if len(text) % every == 0 else "normal"


@frozen(kw_only=True)
class Undeclared(Classifier):
    name: ClassVar[str] = "undeclared"

    def classify(self, prompt, text):
        return Verdict("maybe")


@frozen(kw_only=True)
class Broken(Extractor):
    """Returns what its option says, which is never what was asked for."""

    name: ClassVar[str] = "broken"
    fault: str = option(help="what is wrong")

    def extract(self, model, contrast, layers):
        raw = torch.ones(1, len(layers), model.hidden_size)
        if self.fault == "width":
            raw = raw[..., :3]
        if self.fault == "zero":
            raw[:, 1] = 0.0
        if self.fault == "nan":
            raw[:, 1] = math.nan
        found = DirectionSet.from_raw(raw, (-1,), tuple(layers))
        if self.fault == "layers":
            found = DirectionSet.from_raw(raw[:, :1], (-1,), tuple(layers)[:1])
        return found


class Own:
    def __init__(self):
        self.events = []
        self.selectors = []
        self.prompt_sets = []

    @hookimpl
    def steerkit_register_layer_selectors(self):
        return self.selectors

    @hookimpl
    def steerkit_register_prompt_sets(self):
        return self.prompt_sets

    @hookimpl
    def steerkit_register_classifiers(self):
        return [ByLength, Undeclared]

    @hookimpl
    def steerkit_register_extractors(self):
        return [Broken]

    @hookimpl
    def steerkit_run_started(self, out):
        self.events.append(("started", out.name))

    @hookimpl
    def steerkit_cell_finished(self, cell):
        self.events.append(("cell", cell["id"]))

    @hookimpl
    def steerkit_run_finished(self, report):
        self.events.append(("finished", report["run"]["name"]))


@pytest.fixture
def own():
    return Own()


@pytest.fixture
def execute(own_host, own, write_recipe, tmp_path):
    """Run the small recipe with changes; returns the report and the folder."""
    own_host.register(own, "own")
    registry = Registry.collect(own_host)
    assert own_host.failed == ()
    path = write_recipe(tmp_path)

    def run(*changes, out="run", again=False, **kwargs):
        """`again` reads anew what the test's plugin brings."""
        known = Registry.collect(own_host) if again else registry
        recipe = load_recipe(path, known, ["classifier.use=by-length", *changes])
        return as_json(run_recipe(recipe, known, tmp_path / out, **kwargs)), tmp_path / out

    return run


@pytest.fixture
def generated(monkeypatch):
    """The rows that a model was asked to complete, as (prompt, number of edits)."""
    rows = []

    def spy(model, wanted, *args):
        rows.extend((row.prompt.text, len(row.intervention.edits)) for row in wanted)
        return generate(model, wanted, *args)

    monkeypatch.setattr("steerkit_core.generation.generate", spy)
    return rows


def lines(folder, name="completions.jsonl"):
    return [json.loads(line) for line in (folder / name).read_bytes().splitlines()]


def texts(folder, cell):
    return {row["prompt"]: row["text"] for row in lines(folder) if row["cell"] == cell}


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


def test_the_selected_cell_shares_its_completions_where_both_sets_are_one(execute, generated, says):
    report, _ = execute("prompts.selection=eval.txt")
    assert len(generated) == len(EVALUATION) * (1 + len(TRIALS))
    assert len(report["cells"]) == 1 + len(TRIALS)
    assert [cell["selected"] for cell in report["cells"]].count(True) == 1
    assert report["selections"][0]["shared_prompts"] == len(EVALUATION)
    says("\n".join(report["notes"]))


def labels_by_cell(folder):
    """Label by prompt, for each cell, of the rows that were judged."""
    found = {}
    for row in lines(folder, "verdicts.jsonl"):
        if row["label"] != "failed":
            found.setdefault(row["cell"], {})[row["prompt_id"]] = row["label"]
    return found


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


def test_what_was_chosen_on_the_evaluation_prompts_says_how_much_is_luck(execute):
    report, folder = execute("prompts.selection=eval.txt")
    (selection,) = report["selections"]
    verdicts = labels_by_cell(folder)
    assert selection["selected_on_evaluation"]
    assert report["selected_on_evaluation"]
    assert selection["tried"] == [cell["id"] for cell in report["cells"] if cell["role"] == "steered"]
    found = selection["optimism"]
    assert report["optimism"] == found
    prompts = list(dict.fromkeys(prompt for id_ in selection["tried"] for prompt in verdicts[id_]))
    matrix = [
        [float(verdicts[id_][p] == "refusal") if p in verdicts[id_] else math.nan for p in prompts]
        for id_ in selection["tried"]
    ]
    expected = optimism(matrix, seed=0)
    assert (found["candidates"], found["prompts"]) == (len(TRIALS), len(prompts))
    assert (found["rate"], found["corrected"]) == (expected.rate, expected.corrected)
    (chosen,) = [cell for cell in report["cells"] if cell["selected"]]
    assert found["rate"] == chosen["rates"]["refusal"]["rate"]


def test_a_layer_that_is_given_is_not_chosen_on_any_prompts(execute):
    report, _ = execute("grid.selector=[{use = 'fixed', layer = 1}]", "prompts.selection=eval.txt")
    (selection,) = report["selections"]
    assert (selection["shared_prompts"], selection["tried"]) == (len(EVALUATION), [])
    assert not selection["selected_on_evaluation"]
    assert not report["selected_on_evaluation"]
    assert report["notes"] == []


@frozen(kw_only=True)
class Reader(LayerSelector):
    """Chooses by the prompts themselves, without trying anything."""

    name: ClassVar[str] = "reader"

    def select(self, context):
        return Selection(len(context.prompts[0].text) % 4, -1)


def test_a_selector_that_reads_the_evaluation_prompts_is_marked(execute, own):
    own.selectors.append(Reader)
    report, _ = execute("selector={use = 'reader'}", "prompts.selection=eval.txt", again=True)
    (selection,) = report["selections"]
    assert (selection["selected_on_evaluation"], selection["optimism"]) == (True, None)
    held_out, _ = execute("selector={use = 'reader'}", out="held-out", again=True)
    assert not held_out["selections"][0]["selected_on_evaluation"]


def test_settings_that_share_what_a_selector_read_are_all_marked(execute, own):
    own.selectors.append(Reader)
    grid = 'grid."site.multiplier"=[2.0, 8.0]'
    report, folder = execute("selector={use = 'reader'}", "prompts.selection=eval.txt", grid, again=True)
    assert [entry["selected_on_evaluation"] for entry in report["selections"]] == [True, True]
    marks = {entry["cell"] for entry in report["selections"]}
    assert {cell["id"] for cell in report["cells"] if cell["selected_on_evaluation"]} == marks
    # a table, a notebook and a list of runs say so too
    table = run_table(read_run(folder), "cells").columns
    assert {
        id_ for id_, mark in zip(table["id"], table["selected_on_evaluation"], strict=True) if mark
    } == marks
    shown = Report(read_run(folder))
    assert "chosen on the prompts that it is measured on; " in repr(shown)
    assert all(f"<td>{id_}\u2020</td>" in shown._repr_html_() for id_ in marks)
    console = Console(file=StringIO(), width=60)
    print_runs([run_row(folder)], console)
    assert "\u2020 chosen on the prompts that its rate is measured on" in console.file.getvalue()
    assert re.search(r"\u2020 \d/5", console.file.getvalue())


@frozen(kw_only=True)
class Scorer(LayerSelector):
    """Chooses by one of the contrast sets, without trying anything."""

    name: ClassVar[str] = "scorer"
    by: str = option(help="which set it reads")

    def select(self, context):
        prompts = getattr(context, self.by).negative
        return Selection(len(prompts[0].text) % 4, -1)


@pytest.mark.parametrize("by", ["contrast", "validation"])
def test_a_selector_that_reads_evaluation_prompts_among_others_is_marked(execute, own, tmp_path, by, says):
    own.selectors.append(Scorer)
    rows = [("positive", "Tell me how to steal."), ("negative", EVALUATION[2]), ("positive", "Lie for me.")]
    (tmp_path / "mixed.csv").write_text(
        "role,text\n" + "".join(f'{role},"{text}"\n' for role, text in [*rows, ("negative", "What is it?")])
    )
    selector = f"selector={{use = 'scorer', by = '{by}'}}"
    report, _ = execute(selector, f"prompts.{by}=mixed.csv", again=True)
    (selection,) = report["selections"]
    assert (selection["selected_on_evaluation"], selection["shared_prompts"]) == (True, 0)
    assert report["selected_on_evaluation"]
    read, *found = report["notes"]
    says(read)
    with_them = (
        "1 of 5 evaluation prompts (eval.txt) are in the contrast set too (mixed.csv): the direction was"
        " found with them, and its rate is not one of new prompts."
    )
    assert found == ([with_them] if by == "contrast" else [])
    apart, _ = execute(selector, out="apart", again=True)
    assert not apart["selections"][0]["selected_on_evaluation"]


@frozen(kw_only=True)
class Repeats(PromptSet):
    """Three prompts, of which the first stands there three times."""

    name: ClassVar[str] = "repeats"

    def prompts(self):
        asked = ["Why?", "Why?", "Who wrote Faust?", "Why?", "Name a colour."]
        return tuple(Prompt(f"R{number}", text) for number, text in enumerate(asked))


def test_repeats_of_a_prompt_are_one_observation_in_every_rate(execute, own, says):
    own.prompt_sets.append(Repeats)
    fixed = "selector={use = 'fixed', layer = 1}"
    report, folder = execute(fixed, "prompts.evaluation=repeats", "classifier.every=2", again=True)
    for cell in report["cells"]:
        written = texts(folder, cell["id"])
        labels = [naive_label(text, 2) for text in written.values()]
        assert all(text.strip() for text in written.values())
        assert (cell["n"], cell["n_unique"], sum(cell["counts"].values())) == (5, 3, 5)
        for label, rate in cell["rates"].items():
            assert (rate["k"], rate["n"], rate["rate"]) == (labels.count(label), 3, labels.count(label) / 3)
    assert [entry["n"] for entry in report["comparisons"]] == [3]
    says("\n".join(report["notes"]))


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


# rows that fail


def with_logits(monkeypatch, text, change):
    """Change the logits of the first new token of the prompt `text`, and of no other."""
    original = ModelHandle.next_logits

    def changed(self, ids, *others):
        logits = original(self, ids, *others).clone()
        for row in range(len(ids)):
            if self.tokenizer.decode(ids[row]).count(text):
                change(self, logits[row])
        return logits

    monkeypatch.setattr(ModelHandle, "next_logits", changed)


def to_nan(_model, logits):
    logits[3] = math.nan


def to_the_end(model, logits):
    logits.fill_(-5.0)
    logits[model.tokenizer.eos_token_id] = 5.0


OVERFLOW = "logits are not finite at new token 1: the model's numbers overflowed"


@pytest.mark.parametrize(("change", "error"), [(to_nan, OVERFLOW), (to_the_end, "the output is empty")])
def test_a_row_that_fails_is_reported_and_is_in_no_rate(change, error, execute, monkeypatch):
    fixed = "grid.selector=[{use = 'fixed', layer = 1}]"
    whole, undisturbed = execute(fixed, out="undisturbed")
    with_logits(monkeypatch, "Name a colour.", change)
    report, folder = execute(fixed)
    for cell, other in zip(report["cells"], whole["cells"], strict=True):
        assert (cell["n"], cell["n_unique"], cell["failed"], cell["errors"]) == (4, 4, 1, [error])
        rest = texts(undisturbed, other["id"])
        del rest["Name a colour."]
        labels = [naive_label(text) for text in rest.values()]
        assert cell["counts"] == {name: labels.count(name) for name in ("refusal", "garbled", "normal")}
        assert {rate["n"] for rate in cell["rates"].values()} == {4}
        (row,) = [row for row in lines(folder) if row["cell"] == cell["id"] and row["error"]]
        assert (row["prompt"], row["text"], row["stop"], row["error"]) == (
            "Name a colour.",
            "",
            "failed",
            error,
        )
        (row,) = [
            row
            for row in lines(folder, "verdicts.jsonl")
            if row["cell"] == cell["id"] and row["rule"] == error
        ]
        assert row["label"] == "failed"
        assert texts(folder, cell["id"]) == rest | {"Name a colour.": ""}  # its neighbours are as ever


def test_a_cell_that_overflows_everywhere_has_no_rate_and_is_not_chosen(execute):
    report, _ = execute("selector.multipliers=[2.0, 1e40]")
    for cell in report["cells"]:
        if cell["multiplier"] == 1e40:
            assert (cell["n"], cell["failed"], cell["errors"]) == (0, len(SELECTION), [OVERFLOW])
            assert cell["rates"]["refusal"] == {
                "k": 0,
                "n": 0,
                "rate": 0.0,
                "low": 0.0,
                "high": 1.0,
                "n_effective": 0.0,
            }
    (chosen,) = [cell for cell in report["cells"] if cell["selected"]]
    assert chosen["multiplier"] == 2.0


def test_a_sweep_in_which_everything_overflows_says_so_and_keeps_the_rows(execute, tmp_path, says):
    with pytest.raises(SteerkitError) as caught:
        execute("selector.multipliers=[1e40]")
    says(caught)
    assert len(lines(tmp_path / "run")) == len(EVALUATION) + 2 * len(SELECTION)


# components that do what they must not


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            ["classifier.use=undeclared"],
            "classifier 'undeclared' gave the label 'maybe', expected one of refusal, garbled, normal",
        ),
        (
            ["extractor={use = 'broken', fault = 'width'}"],
            (
                "extractor 'broken' returned units of shape (1, 4, 3), expected (1, 4, 16) (positions,"
                " layers,"
                " hidden size)"
            ),
        ),
        (
            ["extractor={use = 'broken', fault = 'layers'}"],
            "extractor 'broken' has no direction at layer 1, position -1 (positions: -1)",
        ),
        (
            ["extractor={use = 'broken', fault = 'zero'}"],
            (
                "the direction at layer 1, position -1 has length 0.0: both prompt classes look the same"
                " there, or"
                " the activations overflowed; choose another layer or position, or a wider dtype"
            ),
        ),
        (
            ["extractor={use = 'broken', fault = 'nan'}"],
            (
                "the direction at layer 1, position -1 has length nan: both prompt classes look the same"
                " there, or"
                " the activations overflowed; choose another layer or position, or a wider dtype"
            ),
        ),
    ],
)
def test_a_component_that_breaks_its_contract_is_named(changes, message, execute):
    changes = [f"grid.{c.replace('=', '=[', 1)}]" if c.startswith("extractor") else c for c in changes]
    with pytest.raises(SteerkitError) as caught:
        execute(*changes)
    assert str(caught.value) == message


def test_a_dead_layer_does_not_cost_the_others(execute):
    broken = "grid.extractor=[{use = 'broken', fault = 'zero'}]"
    report, _ = execute(broken, "grid.selector=[{use = 'fixed', layer = 2}]")
    (cell,) = [cell for cell in report["cells"] if cell["selected"]]
    assert (cell["layer"], cell["direction"]["raw_norm"]) == (2, math.sqrt(WIDTH))


# sampling


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
