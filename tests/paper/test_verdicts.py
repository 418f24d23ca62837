"""The rule of verdicts beside statsmodels, and beside what can be worked out by hand."""

from itertools import product
from pathlib import Path

import pytest
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from steerkit_paper.pack.answer import Answer
from steerkit_paper.pack.arms import Arm
from steerkit_paper.pack.claims import try_claim
from steerkit_paper.pack.figures import Figure, difference, printed_figure, rate
from steerkit_paper.pack.mapping import Column, Trial
from steerkit_paper.pack.rule import judge
from steerkit_paper.pack.runs import Run
from steerkit_paper.records import load_paper

RUN = Run(recipe="r", model="m", folder=Path(), status="kept")


def answered(figure, **more):
    more = {"layer": 1, "multiplier": 2.0} | more
    return Answer(figure=figure, run=RUN, cell="c", **more)


def verdict(printed, ours, quantity="refusal", *, same=False, within=None, text="printed", **more):
    column = Column(column="x", quantity=quantity, within=within)
    found = judge(printed, answered(ours, **more), column, same=same, text=text)
    return found.verdict, found.why


@pytest.mark.parametrize(
    ("paper", "ours"), list(product([(10, 10), (6, 10), (23, 30), (0, 10)], [(30, 30), (15, 30), (0, 30)]))
)
def test_a_rate_agrees_where_the_interval_of_newcombe_holds_zero(paper, ours):
    low, high = confint_proportions_2indep(*ours, *paper, method="newcomb", compare="diff")
    found, _ = verdict(rate(*paper), rate(*ours))
    assert found == ("agrees" if low <= 0 <= high else "differs")


def test_the_interval_worked_by_hand():
    # Newcombe's method 10 of 30/30 less 6/10, from Wilson's limits of both
    (l1, u1), (l2, u2) = (
        proportion_confint(30, 30, method="wilson"),
        proportion_confint(6, 10, method="wilson"),
    )
    found = judge(
        rate(6, 10), answered(rate(30, 30)), Column(column="x", quantity="refusal"), same=True, text="60%"
    )
    assert (found.verdict, found.why) == ("differs", "ours is higher")
    assert found.difference.value == pytest.approx(0.4)
    assert found.difference.low == pytest.approx(0.4 - ((1 - l1) ** 2 + (u2 - 0.6) ** 2) ** 0.5)
    assert found.difference.high == pytest.approx(0.4 + ((u1 - 1) ** 2 + (0.6 - l2) ** 2) ** 0.5)


def test_repeats_of_a_prompt_are_one_observation():
    paper = load_paper()
    printed = printed_figure(paper, paper.cells["size.qwen-32b.coherent-50"], "refusal")
    assert (printed.k, printed.n) == (6, 10)
    assert (printed.low, printed.high) == pytest.approx(proportion_confint(6, 10, method="wilson"))


def test_a_rate_without_counts_is_compared_with_nothing():
    assert verdict(Figure(value=0.1), rate(30, 30)) == (
        "not comparable",
        "the paper gives no n, and so there is nothing to test against",
    )
    assert verdict(None, rate(30, 30)) == (
        "not comparable",
        "the paper prints no number here, but 'printed'",
    )


BEST = rate(30, 30)


@pytest.mark.parametrize(
    ("same", "there", "wanted", "expected"),
    [
        (True, None, 1, ("agrees", "the same layer")),
        (False, None, 1, ("agrees", "the same relative depth")),
        (True, None, 5, ("differs", "another layer was chosen")),
        (False, None, 5, ("not comparable", "our run did not try this depth, and our model is another")),
        # Newcombe: -3 points, of which 0 is inside; -50 points, of which it is not
        (
            True,
            rate(29, 30),
            5,
            ("agrees", "our rate at L5 is 29/30, at L1 30/30: -3 (-17 to 8) points"),
        ),
        (
            False,
            rate(15, 30),
            5,
            ("differs", "our rate at L5 is 15/30, at L1 30/30: -50 (-67 to -30) points"),
        ),
    ],
)
def test_a_layer_agrees_if_ours_is_no_better(same, there, wanted, expected):
    printed, ours = Figure(value=5.0, depth=0.5), Figure(value=1.0, depth=0.1)
    assert verdict(printed, ours, "layer", same=same, best=BEST, there=there, wanted=wanted) == expected


@pytest.mark.parametrize(
    ("figure", "expected"),
    [
        (Figure(value=1.3, low=1.1, high=1.6), ("agrees", "our interval holds the printed number")),
        (Figure(value=1.0, low=0.9, high=1.1), ("differs", "our interval leaves out the printed number")),
        (
            Figure(value=2.0, low=1.0, high=float("inf")),
            ("agrees", "our interval holds the printed number"),
        ),
        # to the second digit, as it is printed: 1.245 would be 1.25
        (Figure(value=1.0, low=0.9, high=1.246), ("agrees", "our interval holds the printed number")),
        (Figure(value=1.0, low=0.9, high=1.244), ("differs", "our interval leaves out the printed number")),
    ],
)
def test_an_efficiency_agrees_if_its_interval_holds_the_printed_one(figure, expected):
    assert verdict(Figure(value=1.25), figure, "efficiency", text="1.25") == expected


def test_a_layer_that_was_chosen_without_generating_has_no_rates_beside_it():
    printed, ours = Figure(value=43.0, depth=0.67), Figure(value=1.0, depth=0.1)
    assert verdict(printed, ours, "layer", best=BEST, wanted=6, alone=True) == (
        "differs",
        "another relative depth was chosen: L1, and not L6",
    )


def test_a_cosine_is_compared_in_the_same_model_alone():
    printed = Figure(value=0.972)
    assert verdict(printed, Figure(value=0.99), "cosine", same=True, within=0.02) == (
        "agrees",
        "0.018 apart, within 0.02",
    )
    assert verdict(printed, Figure(value=0.9), "cosine", same=True, within=0.02) == (
        "differs",
        "0.072 apart, more than 0.02",
    )
    assert verdict(printed, Figure(value=0.972), "cosine", within=0.02)[0] == "not comparable"


def tried(test, *figures, **more):
    names = tuple(str(number) for number in range(len(figures)))
    claim = Trial(id="c", table="t", says="s", source="p", test=test, about=names, **more)
    arms = {
        name: Arm(row=name, figure=figure) for name, figure in zip(names, figures, strict=True) if figure
    }
    return try_claim(claim, arms)


@pytest.mark.parametrize(
    ("first", "second", "least", "outcome"),
    [
        ((10, 10), (2, 10), 0.0, "holds"),
        ((6, 10), (2, 10), 0.0, "open"),  # -2 to 67 points
        ((2, 10), (10, 10), 0.0, "does not hold"),
        ((30, 30), (30, 30), 0.9, "does not hold"),  # at most 11 points, and not 90
    ],
)
def test_one_rate_above_another(first, second, least, outcome):
    low, high = confint_proportions_2indep(*first, *second, method="newcomb", compare="diff")
    assert outcome == ("holds" if low > 0 else "does not hold" if high < least else "open")
    assert tried("higher", rate(*first), rate(*second), least=least).outcome == outcome


def test_rates_on_the_same_prompts_are_paired():
    # 20 agree, 10 differ one way: McNemar's discordant pairs are all on one side
    first = {str(n): "yes" for n in range(30)}
    second = {str(n): "yes" if n < 20 else "no" for n in range(30)}
    paired = difference(rate(30, 30, first), rate(20, 30, second))
    independent = difference(rate(30, 30), rate(20, 30))
    assert paired.value == independent.value == pytest.approx(1 / 3)
    # phi is 0 where an arm is all of one kind, and the two are then the same
    assert (paired.low, paired.high) == pytest.approx((independent.low, independent.high))
    flipped = {str(n): "yes" if n >= 10 else "no" for n in range(30)}
    apart = difference(rate(20, 30, second), rate(20, 30, flipped))
    assert apart.low < difference(rate(20, 30), rate(20, 30)).low  # they disagree more than chance has it


def test_a_trend_is_that_of_the_audit():
    # Cochran-Armitage on 10, 10, 9 and 6 of 10 at 3, 7, 14 and 32 billion: p = 0.002
    found = tried(
        "falls", rate(10, 10), rate(10, 10), rate(9, 10), rate(6, 10), scores=(3.0, 7.0, 14.0, 32.0)
    )
    assert (found.outcome, found.numbers) == (
        "holds",
        "10/10, 10/10, 9/10, 6/10; trend z = -3.10, p = 0.002",
    )
    rising = tried("falls", rate(0, 10), None, None, rate(10, 10), scores=(3.0, 7.0, 14.0, 32.0))
    assert rising.outcome == "does not hold"
    assert tried("falls", rate(9, 10), rate(9, 10), scores=(1.0, 2.0)).outcome == "open"
    assert tried("falls", rate(9, 10), None, scores=(1.0, 2.0)).outcome == "no numbers"


@pytest.mark.parametrize(
    ("counts", "outcome"),
    [
        (((30, 30), (0, 30)), "holds"),
        (((30, 30), (24, 30)), "does not hold"),  # from 63 percent
        (((30, 30), (18, 30)), "open"),  # 42 to 75 percent
    ],
)
def test_steerable_is_a_whole_interval_above_the_threshold(counts, outcome):
    found = tried("steerable", *(rate(*pair) for pair in counts), pattern=(True, False), least=0.6)
    assert found.outcome == outcome


def test_numbers_with_and_without_intervals():
    wide, narrow = Figure(value=1.2, low=0.5, high=2.0), Figure(value=0.2, low=0.1, high=0.3)
    assert tried("above", wide, narrow).outcome == "holds"
    assert tried("above", narrow, wide).outcome == "does not hold"
    assert tried("above", wide, Figure(value=0.7)).outcome == "open"
    assert tried("at least", Figure(value=0.97), Figure(value=0.99), least=0.97).outcome == "holds"
    assert tried("at least", Figure(value=0.96), Figure(value=0.99), least=0.97).outcome == "does not hold"
    assert tried("at least", wide, least=1.0).outcome == "open"


def test_depths_are_compared_with_those_that_are_no_worse():
    claim = Trial(id="c", table="t", says="s", source="p", test="deeper", about=("a", "b"))

    def outcome(first, second):
        arms = {"a": Arm(row="a", figure=BEST, ties=first), "b": Arm(row="b", figure=BEST, ties=second)}
        return try_claim(claim, arms).outcome

    assert outcome((0.5, 0.6), (0.3, 0.4)) == "holds"
    assert outcome((0.4, 0.6), (0.3, 0.4)) == "open"
    assert outcome((0.1,), (0.3, 0.4)) == "does not hold"


def test_alike_is_more_than_random_directions_are():
    claim = Trial(id="c", table="t", says="s", source="p", test="more alike", about=("a", "b"))

    def outcome(first, second, width):
        arms = {
            name: Arm(row=name, figure=Figure(value=value), width=width)
            for name, value in (("a", first), ("b", second))
        }
        return try_claim(claim, arms).outcome

    # in n dimensions a random cosine has a variance of 1/n: 0.088 is its deviation at 128, 0.014 at 5120
    assert outcome(0.324, 0.019, 5120) == "holds"
    assert outcome(0.052, -0.023, 128) == "open"
    assert outcome(0.019, 0.324, 5120) == "does not hold"


def test_texts_are_the_same_or_not():
    claim = Trial(id="c", table="t", says="s", source="p", test="identical", about=("a", "b"))

    def found(first, second):
        arms = {
            name: Arm(row=name, figure=BEST, texts=texts) for name, texts in (("a", first), ("b", second))
        }
        return try_claim(claim, arms)

    same = found({"1": "x", "2": "y"}, {"2": "y", "1": "x"})
    assert (same.outcome, same.numbers) == ("holds", "2 of 2 texts are the same, letter by letter")
    assert found({"1": "x", "2": "y"}, {"1": "x", "2": "z"}).outcome == "does not hold"
    assert found({"1": "x"}, {"1": "x", "2": "y"}).outcome == "does not hold"
    assert found({}, {}).outcome == "no numbers"
