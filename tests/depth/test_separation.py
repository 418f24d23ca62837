"""Separability against other libraries and a naive computation; the choice; what is refused."""

import statistics
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.stats import mannwhitneyu
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import roc_auc_score

from steerkit_core import ClassActivations, ContrastSet, DirectionSet, Prompt, SteerkitError
from steerkit_depth import Separation
from steerkit_depth.separation import deal, held_out_scores, separability

LAYERS, WIDTH = 5, 6


def prompts(letter, number):
    return tuple(Prompt(f"{letter}{n}", f"{letter} {n}") for n in range(number))


def contrast(positive=7, negative=5, name="mine"):
    return ContrastSet(name, prompts(f"{name} p", positive), prompts(f"{name} n", negative))


class Model:
    """Activations that are made up: one draw for each prompt, the classes apart as `shift` says, by layer."""

    num_layers = LAYERS

    def __init__(self, shift, positions=(-1,)):
        self.shift, self.positions, self.reads = shift, positions, []

    def _of(self, text):
        generator = torch.Generator().manual_seed(sum(text.encode()) * 7 + len(text))
        drawn = torch.randn(len(self.positions), LAYERS, WIDTH, generator=generator)
        sign = 1.0 if " p" in text else -1.0
        for row in range(len(self.positions)):
            for layer in range(LAYERS):
                drawn[row, layer, row] += sign * self.shift[row][layer]
        return drawn

    def _stack(self, some, positions):
        rows = [self.positions.index(position) for position in positions]
        return torch.stack([self._of(prompt.text)[rows] for prompt in some])

    def class_activations(self, contrast, positions, module, layers):
        self.reads.append((contrast.name, module, tuple(layers)))
        sides = [
            self._stack(side, positions)[:, :, list(layers)]
            for side in (contrast.positive, contrast.negative)
        ]
        return ClassActivations(tuple(positions), tuple(layers), *sides)

    def mean_activations(self, groups, positions, module):
        self.reads.append(("means", module))
        return torch.stack([self._stack(group, positions).double().mean(dim=0) for group in groups])


def context(model, classes=None, validation=None, module="residual"):
    classes = classes or contrast()
    means = model.mean_activations((classes.positive, classes.negative), model.positions, module)
    directions = DirectionSet.from_raw(
        means[0] - means[1], model.positions, tuple(range(LAYERS)), module=module
    )
    model.reads.clear()
    return SimpleNamespace(
        model=model, directions=directions, contrast=classes, validation=validation or classes
    )


@pytest.fixture
def scores():
    generator = torch.Generator().manual_seed(3)
    return (
        torch.randn(9, generator=generator, dtype=torch.float64) + 0.7,
        torch.randn(6, generator=generator, dtype=torch.float64),
    )


def test_the_area_is_that_of_scipy_and_of_scikit_learn(scores):
    positive, negative = scores
    found = separability(positive, negative)
    both = mannwhitneyu(positive.numpy(), negative.numpy()).statistic / (9 * 6)
    assert found.auc == pytest.approx(both, abs=1e-12)
    labels = [1] * 9 + [0] * 6
    assert found.auc == pytest.approx(roc_auc_score(labels, torch.cat(scores).numpy()), abs=1e-12)


def test_a_tie_counts_half():
    positive, negative = torch.tensor([1.0, 2.0, 2.0]).double(), torch.tensor([2.0, 0.0]).double()
    wanted = roc_auc_score([1, 1, 1, 0, 0], [1.0, 2.0, 2.0, 2.0, 0.0])
    assert separability(positive, negative).auc == pytest.approx(wanted, abs=1e-12)


def test_the_distance_is_in_units_of_the_spread(scores):
    positive, negative = (side.tolist() for side in scores)
    spread = ((statistics.variance(positive) + statistics.variance(negative)) / 2) ** 0.5
    distance = statistics.fmean(positive) - statistics.fmean(negative)
    found = separability(*scores)
    assert found.d_prime == pytest.approx(distance / spread, rel=1e-12)
    right = sum(score > 0 for score in positive) + sum(score < 0 for score in negative)
    assert found.accuracy == right / 15


def test_scores_that_do_not_spread_separate_nothing():
    zeros = torch.zeros(3, dtype=torch.float64)
    found = separability(zeros, zeros)
    assert (found.auc, found.d_prime, found.accuracy) == (0.5, 0.0, 0.0)


def test_prompts_are_dealt_evenly_and_the_same_way_each_time():
    parts = deal(11, 4, 0)
    assert sorted(parts.count(part) for part in range(4)) == [2, 3, 3, 3]
    assert parts == deal(11, 4, 0) != deal(11, 4, 1)


def naive_scores(positive, negative, parts_positive, parts_negative):
    """The same prompt by prompt, in numpy."""
    found = []
    for side, parts in ((positive, parts_positive), (negative, parts_negative)):
        rows = []
        for row, part in zip(side, parts, strict=True):
            one = np.mean([x for x, p in zip(positive, parts_positive, strict=True) if p != part], axis=0)
            other = np.mean([x for x, p in zip(negative, parts_negative, strict=True) if p != part], axis=0)
            unit = (one - other) / np.linalg.norm(one - other)
            rows.append(float(row @ unit - (one @ unit + other @ unit) / 2))
        found.append(rows)
    return found


@pytest.mark.parametrize("folds", [2, 3, 5])
def test_scores_are_those_of_directions_fitted_without_the_prompt(folds):
    model = Model([[0.5] * LAYERS])
    found = model.class_activations(contrast(), (-1,), "residual", (0, 1))
    sides = [side.double() for side in found.at(1, -1)]
    dealt = deal(7, folds, 4), deal(5, folds, 4)
    wanted = naive_scores(*(side.numpy() for side in sides), *dealt)
    for mine, theirs in zip(held_out_scores(sides, dealt), wanted, strict=True):
        assert mine.tolist() == pytest.approx(theirs, rel=1e-12)


def test_without_a_held_out_class_the_area_is_that_of_chance_where_nothing_differs():
    """In-sample, forty dimensions separate ten prompts by chance; held out they do not."""
    generator = torch.Generator().manual_seed(0)
    sides = [torch.randn(20, 40, generator=generator, dtype=torch.float64) for _ in range(2)]
    dealt = deal(20, 10, 0), deal(20, 10, 0)
    assert separability(*held_out_scores(sides, dealt)).auc < 0.7
    fitted = LinearDiscriminantAnalysis().fit(torch.cat(sides).numpy(), [1] * 20 + [0] * 20)
    seen = fitted.decision_function(torch.cat(sides).numpy())
    assert roc_auc_score([1] * 20 + [0] * 20, seen) > 0.95


def test_the_place_with_the_widest_classes_is_chosen(says):
    model = Model([[0.0, 0.3, 3.0, 1.0, 9.0], [0.2] * 5], positions=(-3, -1))
    chosen = Separation().select(context(model))
    assert (chosen.layer, chosen.position, chosen.multiplier) == (2, -3, None)
    assert len(chosen.table) == 4 * 2
    assert {row["layer"] for row in chosen.table} == {0, 1, 2, 3}  # 80 percent of five layers
    best = next(row for row in chosen.table if (row["layer"], row["position"]) == (2, -3))
    assert best["auc"] == max(row["auc"] for row in chosen.table)
    says(chosen.reason)
    assert Separation(below=1.0).select(context(model)).layer == 4
    assert Separation(above=0.6).select(context(model)).layer == 3


def test_where_several_places_separate_all_the_distance_decides():
    model = Model([[20.0, 30.0, 25.0, 1.0, 0.0]])
    chosen = Separation().select(context(model))
    whole = [row for row in chosen.table if row["auc"] == 1.0]
    assert [row["layer"] for row in whole] == [0, 1, 2]
    assert chosen.layer == max(whole, key=lambda row: row["d_prime"])["layer"]


def test_of_places_that_are_the_same_the_earlier_layer_and_the_later_token_are_chosen():
    class Same(Model):
        def _of(self, text):
            return super()._of(text)[:1, :1].expand(2, LAYERS, WIDTH)

    chosen = Separation().select(context(Same([[2.0] * LAYERS] * 2, positions=(-3, -1))))
    assert (chosen.layer, chosen.position) == (0, -1)


def test_with_a_validation_set_the_extractors_own_directions_are_tried_on_it():
    model, other = Model([[0.1, 0.2, 2.0, 0.4, 0.5]]), contrast(4, 6, "other")
    made = context(model, validation=other, module="mlp")
    chosen = Separation().select(made)
    assert [read[:2] for read in model.reads] == [("other", "mlp"), ("means", "mlp")]
    assert chosen.reason.endswith(" on other, the best of 4 places")
    tested = model.class_activations(other, (-1,), "mlp", range(LAYERS))
    known = model.mean_activations((made.contrast.positive, made.contrast.negative), (-1,), "mlp")
    for row in chosen.table:
        unit = made.directions.at(row["layer"], -1).unit.double()
        positive, negative = (side.double() @ unit for side in tested.at(row["layer"], -1))
        area = mannwhitneyu(positive.numpy(), negative.numpy()).statistic / (4 * 6)
        assert row["auc"] == pytest.approx(area, abs=1e-12)
        middle = float(known[:, 0, row["layer"]].mean(dim=0) @ unit)
        right = int((positive > middle).sum()) + int((negative < middle).sum())
        assert row["accuracy"] == right / 10


def test_a_direction_without_length_is_no_candidate():
    made = context(Model([[0.1, 0.2, 9.0, 0.4, 0.5]]))
    made.directions.raw_norms[0, 2] = 0.0
    chosen = Separation().select(made)
    assert chosen.layer != 2
    assert 2 not in {row["layer"] for row in chosen.table}


@pytest.mark.parametrize(
    ("options", "made", "message"),
    [
        (
            {},
            lambda: context(Model([[1.0] * 5]), contrast(2, 5)),
            (
                "separation needs at least 3 prompts in each class, and mine has 2 positive and 5 negative;"
                " add prompts, or choose selector 'depth'"
            ),
        ),
        (
            {},
            lambda: context(Model([[1.0] * 5]), validation=contrast(4, 1, "other")),
            (
                "separation needs at least 3 prompts in each class, and other has 4 positive and 1 negative;"
                " add prompts, or choose selector 'depth'"
            ),
        ),
        (
            {"folds": 8},
            lambda: context(Model([[1.0] * 5])),
            (
                "separation cannot deal 5 prompts to 8 parts: the smaller class of mine has no more; set"
                " selector.folds to at most 5"
            ),
        ),
        (
            {"above": 0.5, "below": 0.6},
            lambda: context(Model([[1.0] * 5])),
            (
                "separation has no layer to choose from: none of 5 layers lies from depth 0.5 to below 0.6;"
                " set selector.above and selector.below farther apart"
            ),
        ),
    ],
)
def test_what_cannot_be_measured_is_said(options, made, message):
    with pytest.raises(SteerkitError) as caught:
        Separation(**options).select(made())
    assert str(caught.value) == message


def test_where_no_direction_has_a_length_it_says_so(says):
    made = context(Model([[1.0] * 5]))
    made.directions.raw_norms[:] = float("nan")
    with pytest.raises(SteerkitError) as caught:
        Separation().select(made)
    says(caught)
