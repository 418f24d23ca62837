"""What is said of two cells, and of a cell that was chosen: by hand, from labels that a test gives."""

import pytest
from attrs import asdict, evolve
from made_results import cell_result
from made_results import comparison as made_comparison
from made_results import selection as made_selection
from scipy.stats import binomtest, fisher_exact

from steerkit_core.counting.best_cell import (
    best,
    bias_of_best,
    named_on_evaluation,
    selection_bias,
    with_bias,
)
from steerkit_core.counting.comparison import compare_cells, compare_independent, compare_paired, with_holm
from steerkit_core.stats import PairedCounts, newcombe, newcombe_paired, wilson

LETTERS = {"r": "refusal", "g": "garbled", "n": "normal"}


def labels(word):
    """`labels("rrn")`: the verdicts on the prompts 0, 1 and 2; a dot is a prompt without one."""
    return {str(place): LETTERS[letter] for place, letter in enumerate(word) if letter != "."}


def entry(name, word, **further):
    found = list(labels(word).values())
    counts = {label: found.count(label) for label in LETTERS.values()}
    rates = {label: asdict(wilson(k, len(found))) for label, k in counts.items()}
    columns = {"id": name, "failed": word.count("."), "n": len(found), "counts": counts, "rates": rates}
    return cell_result(**columns | further)


def test_cells_on_the_same_prompts_are_compared_prompt_by_prompt():
    found = compare_paired(labels("rrrrrrgn.r"), labels("nnnnnrrn.."), "refusal")
    assert (found.n, found.both, found.first_only, found.second_only) == (8, 1, 5, 1)
    assert found.neither == 1
    assert found.test == "mcnemar"
    assert found.p == binomtest(1, 6).pvalue
    expected = newcombe_paired(PairedCounts(1, 5, 1, 1))
    assert found.difference == expected


def test_cells_on_different_prompts_are_compared_as_independent():
    found = compare_independent(labels("rrrrn"), labels("rnnnnnng"), "refusal")
    assert found.test == "fisher"
    assert found.p == fisher_exact([[4, 1], [1, 7]]).pvalue
    assert found.difference.low == newcombe(4, 5, 1, 8).low


def test_a_comparison_names_its_cells():
    cells = entry("c1", "rrrn"), entry("c0", "nnnn", role="baseline")
    found = compare_cells(*cells, {"c1": labels("rrrn"), "c0": labels("nnnn")}, {})
    assert (found.cell, found.reference) == ("c1", "c0")
    assert (found.role, found.label) == ("baseline", "refusal")
    assert (found.cell_only, found.reference_only, found.p) == (3, 0, 0.25)


@pytest.mark.parametrize(
    "reference",
    [
        entry("c0", "n...", role="baseline", sick="3 of 4 completions failed: empty"),
        entry("c0", "nnnn", role="baseline", counts={"yes": 1, "no": 3}),
        entry("c0", "....", role="baseline"),
    ],
)
def test_what_failed_or_knows_no_refusals_is_not_compared(reference):
    given = {"c1": labels("rrrn"), "c0": {} if not reference.n else labels("nnnn")}
    assert compare_cells(entry("c1", "rrrn"), reference, given, {}) is None


def test_the_comparisons_of_a_run_are_one_family():
    given = [made_comparison(cell=cell, p=p, p_holm=1.0) for cell, p in (("a", 0.01), ("b", 0.04))]
    found = with_holm(given)
    assert found == tuple(evolve(one, p_holm=p) for one, p in zip(given, (0.02, 0.04), strict=True))
    assert with_holm([]) == ()


def world(**words):
    cells = {name: entry(name, word) for name, word in words.items()}
    shares = {
        name: {text: float(label == "refusal") for text, label in labels(word).items()}
        for name, word in words.items()
    }
    return cells, shares


def test_the_winner_of_equals_is_partly_selection_bias():
    # each of three cells refuses half of the prompts, by chance other ones
    cells, verdicts = world(a="rrrrrnnnnn", b="nnnrrrrnnr", c="rnrnrnrnrn")
    found = selection_bias("a", ["a", "b", "c"], cells, verdicts, seed=0)
    assert (found.label, found.candidates, found.prompts, found.rate) == ("refusal", 3, 10, 0.5)
    assert found.resamples == 1000
    assert found.optimism == pytest.approx(found.rate - found.corrected)
    assert found.optimism > 0.05
    assert found == selection_bias("a", ["a", "b", "c"], cells, verdicts, seed=0)


def test_failed_cells_and_those_given_up_early_were_no_competitors():
    cells, verdicts = world(a="rrrrn", b="rrnnn", sick="r....", early="rr")
    cells["sick"] = evolve(cells["sick"], failure="4 of 5 completions failed: empty")
    assert selection_bias("a", list(cells), cells, verdicts, seed=0).candidates == 2


@pytest.mark.parametrize(
    ("chosen", "tried"),
    [
        ("b", ["a", "b"]),  # not chosen for its rate
        ("a", ["b", "c"]),  # measured on other prompts than it was tried on
        ("a", ["a"]),  # nothing to choose from
    ],
)
def test_a_choice_that_cannot_be_repeated_has_no_estimate(chosen, tried):
    cells, verdicts = world(a="rrrn", b="rrnn", c="rnnn")
    assert selection_bias(chosen, tried, cells, verdicts, seed=0) is None


def selection(cell, tried=(), *, on_evaluation=False, rate=None, shared=0, failed=False):
    return made_selection(
        cell=cell,
        tried=list(tried),
        selected_on_evaluation=on_evaluation,
        refusal_rate=rate,
        shared_prompts=shared,
        failed=failed,
    )


def test_only_what_was_chosen_on_the_evaluation_prompts_is_corrected():
    cells, verdicts = world(a="rrrrrnnnnn", b="nnnrrrrnnr")
    held_out = selection("a", ["x", "y"], rate=0.4)
    assert with_bias(held_out, cells, verdicts, 0) == held_out
    same = selection("a", ["a", "b"], on_evaluation=True, rate=0.5, shared=10)
    assert with_bias(same, cells, verdicts, 0).optimism == selection_bias(
        "a", ["a", "b"], cells, verdicts, 0
    )


def test_the_best_of_several_settings_is_marked_where_their_rates_named_it():
    one, two = selection("a", shared=0), selection("b", shared=0)
    assert not named_on_evaluation("a", [one])
    assert named_on_evaluation("a", [one, two])
    tried = [selection("a", rate=0.5), selection("b", rate=0.4)]
    assert not named_on_evaluation("a", tried)
    assert not named_on_evaluation("a", [one, selection(None, failed=True)])
    assert named_on_evaluation("a", [selection("a", ["a", "b"], on_evaluation=True, rate=0.5, shared=3)])


def test_the_best_of_all_settings_competed_with_all_their_cells():
    cells, verdicts = world(a="rrrrrnnnnn", b="nnnrrrrnnn", c="rnrnrnrnnn", d="nnnnnnnnnn")
    settings = [
        selection("a", ["a", "b"], on_evaluation=True, rate=0.5, shared=10),
        selection("c", ["c", "d"], on_evaluation=True, rate=0.4, shared=10),
    ]
    assert best(cells, settings) == "a"
    assert bias_of_best("a", settings, cells, verdicts, 0) == selection_bias(
        "a", "abcd", cells, verdicts, 0
    )
    # tried on other prompts: the settings' own cells are all that competed
    held_out = [selection("a", ["x"], rate=None), selection("c", ["y"], rate=None)]
    assert bias_of_best("a", held_out, cells, verdicts, 0) == selection_bias("a", "ac", cells, verdicts, 0)
    cells["c"] = evolve(cells["c"], prompts="others")
    assert bias_of_best("a", held_out, cells, verdicts, 0) is None
    assert bias_of_best(None, held_out, cells, verdicts, 0) is None
    assert bias_of_best("a", held_out[:1], cells, verdicts, 0) is None
