"""Several sampled completions of a prompt: what is generated, kept, counted and refused."""

import json
from typing import ClassVar

import pytest
from as_json import as_json
from attrs import frozen

from steerkit_core import (
    Classifier,
    LayerSelector,
    Outcome,
    Prompt,
    Selection,
    Trial,
    Verdict,
    hookimpl,
)
from steerkit_core.errors import PromptFileError, RecipeError
from steerkit_core.generation import generate
from steerkit_core.pipeline.recipe_run import run_recipe
from steerkit_core.plugin.registry import Registry
from steerkit_core.recipe.parsing import load_recipe
from steerkit_core.recipe.prompts import repeated
from steerkit_core.report.content.arms import compare_arms, make_arm
from steerkit_core.results.run import read_run
from steerkit_core.results.run_directory import read_completions
from steerkit_core.stats import clustered_wilson

EVALUATION = ("What is a fern?", "Name a colour.", "Count to five, please.", "Who wrote Faust?", "Why?")


@frozen(kw_only=True)
class Odd(Classifier):
    """Refusals have an odd number of characters."""

    name: ClassVar[str] = "odd"

    def classify(self, prompt, text):
        return Verdict("refusal" if len(text) % 2 else "normal")


class Own:
    @hookimpl
    def steerkit_register_classifiers(self):
        return [Odd]

    @hookimpl
    def steerkit_register_layer_selectors(self):
        return [Watching]


@pytest.fixture
def run(own_host, write_recipe, tmp_path):
    own_host.register(Own(), "own")
    registry = Registry.collect(own_host)
    path = write_recipe(tmp_path)
    base = ["classifier.use=odd", "generation.temperature=1.0", "selector={use = 'fixed', layer = 1}"]

    def run(*changes, out="run"):
        recipe = load_recipe(path, registry, [*base, *changes])
        return as_json(run_recipe(recipe, registry, tmp_path / out)), tmp_path / out

    return run


def lines(folder, name="completions.jsonl"):
    return [json.loads(line) for line in (folder / name).read_text("utf-8").splitlines()]


def test_each_prompt_is_completed_as_often_with_random_numbers_of_its_own(run):
    report, folder = run("generation.repeats=4")
    for cell in report["cells"]:
        rows = [row for row in lines(folder) if row["cell"] == cell["id"]]
        asked = sorted((row["prompt"], row["repeat"]) for row in rows)
        assert asked == sorted((text, repeat) for text in EVALUATION for repeat in range(4))
        for row in rows:
            own, _, suffix = row["prompt_id"].partition("#")
            assert suffix == ("" if row["repeat"] == 0 else str(row["repeat"]))
            assert {
                other["prompt_id"].partition("#")[0] for other in rows if other["prompt"] == row["prompt"]
            } == {own}
        for text in EVALUATION:
            # six tokens of some hundred: no two of them are the same by chance
            assert len({row["text"] for row in rows if row["prompt"] == text}) == 4


def test_rates_count_completions_and_intervals_are_clustered(run):
    report, folder = run("generation.repeats=4")
    for cell in report["cells"]:
        by_text = {text: [] for text in EVALUATION}
        for row in lines(folder):
            if row["cell"] == cell["id"] and row["error"] is None:
                by_text[row["prompt"]].append(len(row["text"]) % 2)
        k, n = (sum(map(count, by_text.values())) for count in (sum, len))
        rate, effective = clustered_wilson([(sum(found), len(found)) for found in by_text.values()])
        found = cell["rates"]["refusal"]
        assert (found["k"], found["n"], found["rate"]) == (k, n, k / n)
        assert (found["low"], found["high"], found["n_effective"]) == (rate.low, rate.high, effective)
        assert 5 <= effective < n
        assert (cell["n_unique"], cell["prompts_total"]) == (5, 20)
    (entry,) = report["comparisons"]
    assert (entry["n"], entry["test"]) == (5, "sign-flip")
    chosen, plain = (next(c for c in report["cells"] if c["id"] == entry[k]) for k in ("cell", "reference"))
    gap = chosen["rates"]["refusal"]["rate"] - plain["rates"]["refusal"]["rate"]
    assert entry["difference"]["value"] == pytest.approx(gap)
    assert entry["difference"]["low"] < gap < entry["difference"]["high"]
    found = compare_arms(
        *(make_arm(read_run(folder), entry[k], "refusal") for k in ("cell", "reference")), "refusal"
    ).as_json()
    assert (found["test"], found["p"], found["difference"]) == (
        "sign-flip",
        entry["p"],
        entry["difference"],
    )
    assert found["first"]["rate"]["k"] == chosen["rates"]["refusal"]["k"]
    assert (found["first_only"], found["second_only"]) == (entry["cell_only"], entry["reference_only"])
    repeats = sum(cell["n"] - 5 for cell in report["cells"])
    assert report["notes"] == [
        (
            f"{repeats} sampled completions repeat a prompt of their cell; rates count each completion, and"
            " intervals are clustered by prompt. Cells are compared by each prompt's share."
        )
    ]


@frozen(kw_only=True)
class Watching(LayerSelector):
    """Keeps what it is told of one trial."""

    name: ClassVar[str] = "watching"
    seen: ClassVar[list[Outcome]] = []

    def select(self, context):
        self.seen[:] = context.run([Trial(1, -1, 4.0)])
        return Selection(1, -1, 4.0)


@pytest.mark.parametrize(("repeats", "clusters"), [(1, 0), (3, 5)])
def test_a_selector_is_told_which_completions_belong_together(run, repeats, clusters):
    report, folder = run(
        f"generation.repeats={repeats}", "selector={use = 'watching'}", "prompts.selection=eval.txt"
    )
    (outcome,) = Watching.seen
    assert len(outcome.clusters.get("refusal", ())) == clusters
    (cell,) = [cell for cell in report["cells"] if cell["role"] == "steered"]
    by_text = {text: [] for text in EVALUATION}
    for row in lines(folder):
        if row["cell"] == cell["id"]:
            by_text[row["prompt"]].append(len(row["text"]) % 2)
    if clusters:
        assert outcome.clusters["refusal"] == tuple((sum(hits), len(hits)) for hits in by_text.values())
    assert outcome.counts["refusal"] == sum(map(sum, by_text.values()))


def test_a_run_that_goes_on_makes_what_is_missing(run, monkeypatch):
    report, folder = run("generation.repeats=3")
    path = folder / "completions.jsonl"
    whole = path.read_text("utf-8").splitlines(keepends=True)
    path.write_text("".join(whole[:-4]), "utf-8")
    asked = []

    def spy(model, rows, *rest):
        asked.extend(row.prompt.id for row in rows)
        return generate(model, rows, *rest)

    monkeypatch.setattr("steerkit_core.generation.generate", spy)
    again, _ = run("generation.repeats=3")
    assert again == report
    assert sorted(asked) == sorted(json.loads(line)["prompt_id"] for line in whole[-4:])


def test_the_manifest_counts_prompts_and_not_repeats(run):
    _, folder = run("generation.repeats=3")
    (setting,) = json.loads((folder / "manifest.json").read_text("utf-8"))["settings"]
    assert setting["prompts"]["evaluation"]["n"] == 5
    _, plain = run(out="plain")
    (other,) = json.loads((plain / "manifest.json").read_text("utf-8"))["settings"]
    assert setting["prompts"] == other["prompts"]


def test_lines_of_an_earlier_version_are_read(tmp_path):
    path = tmp_path / "completions.jsonl"
    row = {"cell": "c", "prompt_id": "p", "prompt": "q", "category": "", "text": "t", "tokens": 1}
    path.write_text(json.dumps(row | {"stop": "eos", "error": None}) + "\n")
    assert read_completions(path)["c", "p"].prompt == Prompt("p", "q")


def test_repeats_stand_behind_each_other_under_ids_of_their_own():
    found = repeated("two", (Prompt("a", "x"), Prompt("b", "y")), 2)
    assert [(one.id, one.text, one.repeat) for one in found] == [
        ("a", "x", 0),
        ("a#1", "x", 1),
        ("b", "y", 0),
        ("b#1", "y", 1),
    ]
    with pytest.raises(PromptFileError) as refused:
        repeated("two", (Prompt("a", "x"), Prompt("a#1", "y")), 2)
    assert str(refused.value) == "two: the id 'a#1' occurs twice"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            ["generation.temperature=0.0", "generation.repeats=5"],
            (
                "generation.repeats: 5 greedy completions of a prompt are one, 5 times over: set"
                " generation.temperature above 0, or leave repeats out"
            ),
        ),
        (["generation.repeats=0"], "generation.repeats: expected a number of at least 1, got 0"),
    ],
)
def test_a_mistake_is_one_line(changes, message, run):
    with pytest.raises(RecipeError) as refused:
        run(*changes)
    assert str(refused.value) == message


def test_a_grid_may_set_the_temperature_that_repeats_need(run):
    report, _ = run(
        "generation={repeats = 2, max_new_tokens = 2}", 'grid."generation.temperature"=[0.5, 1.0]'
    )
    assert len(report["selections"]) == 2
