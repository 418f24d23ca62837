"""What is said of cells that were chosen on the prompts that they are measured on, and of repeated prompts."""

import math
import re
from io import StringIO
from typing import ClassVar

import pytest
from attrs import frozen
from recipes_on_tiny_models import EVALUATION, TRIALS, labels_by_cell, naive_label, texts
from rich.console import Console

from steerkit_core import (
    LayerSelector,
    Prompt,
    PromptSet,
    Selection,
    option,
)
from steerkit_core.api.report import Report
from steerkit_core.export.tables import run_table
from steerkit_core.report.terminal.overview import print_runs
from steerkit_core.results.overview import run_row
from steerkit_core.results.run import read_run
from steerkit_core.stats import optimism


def test_the_selected_cell_shares_its_completions_where_both_sets_are_one(execute, generated, says):
    report, _ = execute("prompts.selection=eval.txt")
    assert len(generated) == len(EVALUATION) * (1 + len(TRIALS))
    assert len(report["cells"]) == 1 + len(TRIALS)
    assert [cell["selected"] for cell in report["cells"]].count(True) == 1
    assert report["selections"][0]["shared_prompts"] == len(EVALUATION)
    says("\n".join(report["notes"]))


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
    assert "chosen on the prompts" in repr(shown)
    assert all(f"<td>{id_}\u2020</td>" in shown._repr_html_() for id_ in marks)
    console = Console(file=StringIO(), width=60)
    print_runs([run_row(folder)], console)
    assert "its rate is measured" in console.file.getvalue()
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
