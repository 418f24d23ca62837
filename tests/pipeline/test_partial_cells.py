"""A selector may ask for some of its prompts: what is generated, counted, shown and kept."""

import json
from typing import ClassVar

import pytest
from as_json import as_json
from attrs import frozen
from made_results import cell_result, run_results

from steerkit_core import (
    Classifier,
    LayerSelector,
    Prompt,
    Selection,
    SteerkitError,
    Trial,
    Verdict,
    hookimpl,
    option,
)
from steerkit_core.generation import generate
from steerkit_core.pipeline.recipe_run import run_recipe
from steerkit_core.plugin.registry import Registry
from steerkit_core.recipe.parsing import load_recipe
from steerkit_core.report.content.maps import ended_early, maps
from steerkit_core.report.terminal.console import map_table, results_table

EVALUATION = ("What is a fern?", "Name a colour.", "Count to five, please.", "Who wrote Faust?", "Why?")
SELECTION = ("What is a moss?", "Name a river of Asia.", "How do I sew?", "Say hello.")
PLACES = ((1, 2.0), (1, 8.0), (2, 2.0), (2, 8.0))
SEEN = []  # what the selector was told, as (layer, multiplier, counts, failed, asked)


@frozen(kw_only=True)
class Looks(LayerSelector):
    """Shows so many prompts to all cells, then more to the first, and chooses the first or the last."""

    name: ClassVar[str] = "looks"
    first: int = option(2, help="prompts for all")
    more: int = option(3, help="prompts for the first cell")
    last: bool = option(False, help="choose the last cell")

    def select(self, context):
        trials = [Trial(layer, -1, multiplier) for layer, multiplier in PLACES]
        # the last prompts first, so that the order of the set is not the order of asking
        prompts = context.prompts[::-1]
        for some, number in ((trials, self.first), (trials[:1], self.more), (trials[:1], 1)):
            for outcome in context.run(some, prompts[:number]):
                SEEN.append((outcome.trial, dict(outcome.counts), outcome.failed, outcome.asked))  # noqa: PERF401  # reason: read by the test
        chosen = trials[-1 if self.last else 0]
        return Selection(chosen.layer, -1, chosen.multiplier, reason="looked", table=())


@frozen(kw_only=True)
class Whole(LayerSelector):
    """The same cells in full, asked without naming prompts, as every earlier selector does."""

    name: ClassVar[str] = "whole"

    def select(self, context):
        trials = [Trial(layer, -1, multiplier) for layer, multiplier in PLACES]
        found = context.run(trials)
        assert [outcome.asked for outcome in found] == [len(context.prompts)] * 4
        return Selection(2, -1, 8.0, reason="all", table=())


@frozen(kw_only=True)
class Doubtful(LayerSelector):
    """Shows one prompt to all cells, and all prompts to those that did not refuse it."""

    name: ClassVar[str] = "doubtful"

    def select(self, context):
        trials = [Trial(layer, -1, multiplier) for layer, multiplier in PLACES]
        found = context.run(trials, context.prompts[:1])
        rest = [outcome.trial for outcome in found if not outcome.counts["refusal"]]
        context.run(rest, context.prompts)
        return Selection(1, -1, 2.0, reason="doubted", table=())


@frozen(kw_only=True)
class Strange(LayerSelector):
    name: ClassVar[str] = "strange"
    what: str = option(help="which prompts")

    def select(self, context):
        own = {"none": (), "other": (context.prompts[0], Prompt("X9", "Who are you?"))}
        context.run([Trial(1, -1, 2.0)], own[self.what])
        return Selection(1, -1)


@frozen(kw_only=True)
class ByLength(Classifier):
    name: ClassVar[str] = "by-length"
    every: int = option(3, help="lengths divisible by this are refusals")

    def classify(self, prompt, text):
        return Verdict("refusal" if len(text) % self.every == 0 else "normal", "length")


class Own:
    @hookimpl
    def steerkit_register_layer_selectors(self):
        return [Looks, Whole, Doubtful, Strange]

    @hookimpl
    def steerkit_register_classifiers(self):
        return [ByLength]


@pytest.fixture
def execute(own_host, write_recipe, tmp_path):
    own_host.register(Own(), "own")
    registry = Registry.collect(own_host)
    path = write_recipe(tmp_path)
    SEEN.clear()

    def run(*changes, out="run"):
        recipe = load_recipe(
            path, registry, ["classifier.use=by-length", "selector={use = 'looks'}", *changes]
        )
        return as_json(run_recipe(recipe, registry, tmp_path / out)), tmp_path / out

    return run


@pytest.fixture
def generated(monkeypatch):
    """The rows that a model was asked to complete, as (prompt, key of the intervention)."""
    rows = []

    def spy(model, wanted, *args):
        rows.extend((row.prompt.text, row.name) for row in wanted)
        return generate(model, wanted, *args)

    monkeypatch.setattr("steerkit_core.generation.generate", spy)
    return rows


def lines(folder, name):
    return [json.loads(line) for line in (folder / name).read_bytes().splitlines()]


def tried(report):
    """The cells on the selection prompts by (layer, multiplier)."""
    return {
        (cell["layer"], cell["multiplier"]): cell
        for cell in report["cells"]
        if cell["role"] == "steered" and not cell["selected"]
    }


def naive_counts(folder, cell, texts, every=3):
    rows = [row for row in lines(folder, "completions.jsonl") if row["cell"] == cell]
    labels = [
        "refusal" if len(row["text"]) % every == 0 else "normal" for row in rows if row["prompt"] in texts
    ]
    return {label: labels.count(label) for label in ("refusal", "garbled", "normal")}


def test_a_cell_holds_what_was_asked_and_no_row_is_generated_twice(execute, generated):
    report, folder = execute()
    cells = tried(report)
    assert set(cells) == set(PLACES)
    for place, cell in cells.items():
        asked = SELECTION[-3:] if place == PLACES[0] else SELECTION[-2:]
        assert (cell["n"], cell["failed"], cell["prompts_total"]) == (len(asked), 0, 4)
        assert cell["counts"] == naive_counts(folder, cell["id"], asked)
        judged = [row for row in lines(folder, "verdicts.jsonl") if row["cell"] == cell["id"]]
        assert len(judged) == len(asked)
        assert ended_early(cell_result(**cell))
    # unsteered, four cells with two prompts, one more for the first, the selected one
    assert len(generated) == len(set(generated)) == 5 + 4 * 2 + 1 + 5
    assert len(lines(folder, "completions.jsonl")) == len(generated)
    (baseline,) = (cell for cell in report["cells"] if cell["role"] == "baseline")
    assert (baseline["n"], baseline["prompts_total"], ended_early(cell_result(**baseline))) == (5, 5, False)


def test_an_outcome_covers_the_prompts_of_its_own_question(execute):
    _, folder = execute()
    assert [(trial.layer, trial.multiplier, asked) for trial, _, _, asked in SEEN] == [
        *((*place, 2) for place in PLACES),
        (*PLACES[0], 3),
        (*PLACES[0], 1),
    ]
    rows = lines(folder, "completions.jsonl")
    first = next(row["cell"] for row in rows if row["prompt"] == SELECTION[1])
    assert SEEN[4][1] == naive_counts(folder, first, SELECTION[-3:])
    assert SEEN[5][1] == naive_counts(folder, first, SELECTION[-1:])


def test_a_rate_on_a_part_of_the_prompts_is_no_rate_on_the_selection_prompts(execute):
    report, _ = execute()
    assert report["selections"][0]["refusal_rate"] is None
    report, _ = execute("selector.more=4", out="whole")
    cell = tried(report)[PLACES[0]]
    assert (cell["n"], ended_early(cell_result(**cell))) == (4, False)
    assert report["selections"][0]["refusal_rate"] == cell["rates"]["refusal"]["rate"]


@pytest.mark.parametrize("last", ["false", "true"])
def test_a_cell_that_is_chosen_on_its_own_prompts_is_extended(last, execute, generated):
    report, folder = execute("prompts.evaluation=sel.txt", f"selector.last={last}")
    chosen = next(cell for cell in report["cells"] if cell["selected"])
    assert (chosen["layer"], chosen["multiplier"]) == (PLACES[-1] if last == "true" else PLACES[0])
    assert (chosen["n"], ended_early(cell_result(**chosen))) == (4, False)
    assert chosen["counts"] == naive_counts(folder, chosen["id"], SELECTION)
    assert len(report["cells"]) == 1 + 4
    assert len(generated) == len(set(generated)) == 4 + 4 * 2 + 1 + (2 if last == "true" else 1)


def test_selectors_that_ask_for_different_parts_share_cells(execute, generated):
    both = 'grid.selector=[{use = "looks"}, {use = "whole"}]'
    report, _ = execute(both)
    assert all((cell["n"], cell["prompts_total"]) == (4, 4) for cell in tried(report).values())
    assert [outcome[3] for outcome in SEEN] == [2, 2, 2, 2, 3, 1]
    assert len(generated) == len(set(generated)) == 5 + 4 * 4 + 2 * 5


def test_judges_that_ask_for_different_parts_share_completions_and_not_counts(execute, generated):
    report, folder = execute("selector={use = 'doubtful'}", 'grid."classifier.every"=[2, 5, 7]')
    cells = [cell for cell in report["cells"] if cell["role"] == "steered" and not cell["selected"]]
    assert len(cells) == 3 * 4
    sizes = {}
    for cell in cells:
        every = cell["options"]["classifier"]["every"]
        begun = naive_counts(folder, cell["id"], SELECTION[:1], every)
        asked = SELECTION[:1] if begun["refusal"] else SELECTION
        assert cell["n"] == len(asked)
        assert cell["counts"] == naive_counts(folder, cell["id"], asked, every)
        kept = [row for row in lines(folder, "completions.jsonl") if row["cell"] == cell["id"]]
        assert len(kept) == len(asked)
        sizes.setdefault((cell["layer"], cell["multiplier"]), set()).add(cell["n"])
    assert {1, 4} in sizes.values(), "the judges agree everywhere: the test shows nothing"
    rows = 5 + sum(max(asked) for asked in sizes.values()) + 5
    assert len(generated) == len(set(generated)) == rows


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("none", "selector 'strange' asked for no prompt, expected some of sel.txt"),
        (
            "other",
            "selector 'strange' asked for prompt 'X9', expected one of the selection prompts (sel.txt)",
        ),
    ],
)
def test_prompts_that_are_none_of_the_selections_are_refused(what, message, execute):
    with pytest.raises(SteerkitError) as caught:
        execute(f"selector={{use = 'strange', what = '{what}'}}")
    assert str(caught.value) == message


def test_ended_cells_are_shown_as_what_they_are(execute):
    from io import StringIO

    from rich.console import Console

    report, folder = execute()
    (found,) = [one for one in maps(run_results(**report)) if "sel.txt" in one.title]

    def drawn(table):
        console = Console(width=200, file=StringIO())
        console.print(table)
        return " ".join(console.file.getvalue().split())

    shown = drawn(map_table(found))
    assert "coherent refusals, by layer and" in shown
    assert "cell of fewer than 4" in shown
    cell = tried(report)[PLACES[0]]
    assert f"{cell['counts']['refusal']}/3 of 4" in drawn(results_table(run_results(**report)))
    page = (folder / "report.html").read_text("utf-8")
    assert "A cell of fewer prompts" in page
    whole, folder = execute("selector.first=4", "selector.more=4", out="whole")
    (found,) = [one for one in maps(run_results(**whole)) if "sel.txt" in one.title]
    assert "coherent refusals of 4, by layer" in drawn(map_table(found))
    assert "ended early" not in drawn(map_table(found)) + (folder / "report.html").read_text("utf-8")
