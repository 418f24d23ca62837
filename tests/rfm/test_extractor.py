"""The extractor: planted classes, the choice of machines, and what it says where it cannot answer."""

import math

import pytest
import torch
from as_json import as_json
from attrs import frozen

from steerkit_contrib_rfm import RecursiveFeatureMachine
from steerkit_contrib_rfm.machine import Points, Settings, fit, median_distance
from steerkit_contrib_rfm.span import span
from steerkit_contrib_rfm.validation import held_out
from steerkit_core import ClassActivations, ContrastSet, DegenerateDirection, Prompt, SteerkitError
from steerkit_core.testing import small_run
from steerkit_dim import DifferenceInMeans

TABLES = {
    "validation_mse", "validation_auc", "bandwidth", "regularization", "iteration", "eigenvalue_gap",
}  # fmt: skip


@frozen(eq=False)
class Planted:
    """Stands for a model whose activations are given: (prompts, positions, layers, width) for either class."""

    positive: torch.Tensor
    negative: torch.Tensor

    def class_activations(self, contrast, positions, module, layers):
        assert (len(contrast.positive), len(contrast.negative)) == (len(self.positive), len(self.negative))
        chosen = [part[:, :, list(layers)] for part in (self.positive, self.negative)]
        return ClassActivations(tuple(positions), tuple(layers), *chosen)

    def mean_activations(self, groups, positions, module):
        return torch.stack([part.double().mean(dim=0) for part in (self.positive, self.negative)])

    @property
    def contrast(self):
        classes = [
            tuple(Prompt(f"{role}-{k}", "text", role) for k in range(len(part)))
            for role, part in (("positive", self.positive), ("negative", self.negative))
        ]
        return ContrastSet("planted", *classes)


def planted(positive, negative):
    """One position and one layer."""
    return Planted(positive[:, None, None].float(), negative[:, None, None].float())


def extract(model, **options):
    return RecursiveFeatureMachine(**options).extract(model, model.contrast, (0,))


def crossed(each, width, noise, seed):
    """The positive class lies at both ends of one axis, the negative one at both ends of another.

    Both means are the same but for chance.
    """
    generator = torch.Generator().manual_seed(seed)
    axes = torch.linalg.qr(torch.randn(width, 2, generator=generator, dtype=torch.float64))[0].T
    ends = torch.tensor([1.0, -1.0]).double().repeat(each // 2)[:, None]
    clouds = [
        4 * ends * axis + noise * torch.randn(each, width, generator=generator).double() for axis in axes
    ]
    return *clouds, axes


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("each", [16, 64])  # left out one by one, and held out
def test_it_sees_what_the_means_do_not(each, seed):
    """Crossed classes: the direction lies in the planted plane, and its projection tells them apart."""
    positive, negative, axes = crossed(each, 48, noise=0.3, seed=seed)
    model = planted(positive, negative)
    unit = extract(model).units[0, 0].double()
    blind = DifferenceInMeans().extract(model, model.contrast, (0,)).units[0, 0].double()

    def share(direction):
        return float((axes @ direction).square().sum())

    def apart(direction):
        """How well the distance from the middle tells the classes: the area under the curve, or its mirror."""
        ahead = (positive @ direction).abs()[:, None] > (negative @ direction).abs()[None, :]
        return max(float(ahead.double().mean()), 1 - float(ahead.double().mean()))

    assert share(unit) > 0.9
    assert apart(unit) > 0.95
    assert share(blind) < 0.5
    assert share(unit) > 2 * share(blind)


def test_it_agrees_with_the_means_where_they_say_everything():
    generator = torch.Generator().manual_seed(0)
    cloud = torch.randn(120, 30, generator=generator)
    shift = torch.zeros(30)
    shift[7] = 6.0
    model = planted(cloud[:60] + shift, cloud[60:])
    found = extract(model)
    assert float(found.units[0, 0, 7]) > 0.9
    assert found.scores["validation_auc"].item() == 1.0
    # the raw norm is the distance of the means along the direction
    means = model.positive[:, 0, 0].double().mean(dim=0) - model.negative[:, 0, 0].double().mean(dim=0)
    assert found.raw_norms.item() == pytest.approx(float(means @ found.units[0, 0].double()), rel=1e-6)


@pytest.mark.parametrize("below", [0, 100])
@pytest.mark.parametrize("criterion", ["mse", "auc"])
def test_its_scores_say_which_machine_was_kept(below, criterion):
    """The very machine, made again from them, has these scores and this direction."""
    positive, negative, _ = crossed(24, 30, noise=1.0, seed=4)
    options = {"leave_one_out_below": below, "criterion": criterion, "seed": 3, "validation_share": 0.3}
    found = extract(planted(positive, negative), **options)
    assert set(found.scores) == TABLES
    score = {name: table.item() for name, table in found.scores.items()}
    points = torch.cat([positive, negative]).float().double()
    labels = torch.tensor([1.0] * 24 + [0.0] * 24).double()
    held = held_out(labels, 0.3, 3) if below == 0 else torch.zeros(48, dtype=torch.bool)
    coordinates, basis = span(points)
    learnt = coordinates[~held]
    tests = (coordinates[held], labels[held]) if below == 0 else (None, None)
    width = score["bandwidth"] * median_distance(learnt)
    ridge = torch.tensor([score["regularization"]]).double()
    kept = fit(
        Points(learnt, labels[~held], basis, *tests),
        Settings(torch.tensor([width]).double(), ridge, int(score["iteration"])),
        by_auc=criterion == "auc",
    )
    assert kept.iteration + 1 == score["iteration"]
    # its bandwidth went through float32 here
    assert (kept.mse, kept.auc) == pytest.approx(
        (score["validation_mse"], score["validation_auc"]), rel=1e-5
    )
    axis, gap = kept.principal()
    assert gap == pytest.approx(score["eigenvalue_gap"], rel=1e-4)
    assert abs(float(basis @ axis @ found.units[0, 0].double())) == pytest.approx(1, abs=1e-6)


def test_the_machine_that_is_kept_is_the_best_of_the_grid():
    positive, negative, _ = crossed(24, 30, noise=1.0, seed=4)
    model = planted(positive, negative)
    whole = extract(model).scores["validation_mse"].item()
    each = [
        extract(model, bandwidths=(width,), regularizations=(ridge,)).scores["validation_mse"].item()
        for width in (0.3, 1.0, 3.0, 10.0)
        for ridge in (1e-3, 1e-2, 1e-1)
    ]
    assert whole == pytest.approx(min(each), rel=1e-9)
    assert len(set(each)) == len(each)


def test_the_scale_of_the_activations_does_not_matter():
    """Bandwidths follow the median distance, and every metric is divided by its largest entry."""
    positive, negative, _ = crossed(16, 30, noise=0.5, seed=0)
    small, large = (extract(planted(positive * scale, negative * scale)) for scale in (1e-2, 1e3))
    torch.testing.assert_close(small.units, large.units, rtol=0, atol=1e-4)
    assert large.raw_norms.item() == pytest.approx(1e5 * small.raw_norms.item(), rel=1e-3)
    for name in TABLES:
        assert small.scores[name].item() == pytest.approx(large.scores[name].item(), rel=1e-4)


def test_another_seed_holds_out_others():
    positive, negative, _ = crossed(40, 30, noise=1.5, seed=4)
    model = planted(positive, negative)
    scores = [extract(model, seed=seed).scores["validation_mse"].item() for seed in (0, 0, 1)]
    assert scores[0] == scores[1] != scores[2]


def test_centered_gradients_are_another_metric():
    positive, negative, _ = crossed(16, 30, noise=0.5, seed=0)
    positive[:, 3] += 5
    model = planted(positive, negative)
    plain, centered = (extract(model, center_gradients=center).units[0, 0] for center in (False, True))
    assert abs(float(plain @ centered)) < 0.9


def test_every_position_and_layer_has_its_own():
    """In the order that was asked for, each as if it were alone."""
    generator = torch.Generator().manual_seed(0)
    clouds = torch.randn(2, 8, 2, 3, 20, generator=generator)
    clouds[0] += torch.randn(2, 3, 20, generator=generator) * 2
    model = Planted(*clouds)
    extractor = RecursiveFeatureMachine(position=(-2, -1))
    found = extractor.extract(model, model.contrast, (2, 0))
    assert (found.positions, found.layers) == ((-2, -1), (2, 0))
    for row in range(2):
        for column, layer in enumerate((2, 0)):
            alone = extract(planted(clouds[0, :, row, layer], clouds[1, :, row, layer]))
            torch.testing.assert_close(found.units[row, column], alone.units[0, 0], rtol=0, atol=1e-6)
            for name in TABLES:
                expected = alone.scores[name].item()
                assert found.scores[name][row, column].item() == pytest.approx(expected, rel=1e-6)


def test_a_dead_layer_does_not_cost_the_others():
    generator = torch.Generator().manual_seed(0)
    clouds = torch.randn(2, 6, 1, 2, 20, generator=generator)
    clouds[0] += 1
    clouds[:, :, :, 1] = 3.0  # every prompt gives the same there
    model = Planted(*clouds)
    found = RecursiveFeatureMachine().extract(model, model.contrast, (0, 1))
    assert abs(float(found.at(0, -1).unit.norm()) - 1) < 1e-5
    assert math.isnan(found.scores["validation_mse"][0, 1].item())
    message = (
        "the direction at layer 1, position -1 has length 0.0: both prompt classes look the same there, or the"
        " activations overflowed; choose another layer or position, or a wider dtype"
    )
    with pytest.raises(DegenerateDirection) as caught:
        found.at(1, -1)
    assert str(caught.value) == message


@pytest.mark.parametrize("each", [16, 64])  # left out one by one, and held out
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_where_the_means_agree_to_the_last_digit_the_direction_is_kept(each, seed):
    """XOR of two axes, every prompt with its mirror image in the same class: both means are the origin."""
    generator = torch.Generator().manual_seed(seed)
    axes = torch.linalg.qr(torch.randn(48, 2, generator=generator))[0].T
    halves = [
        4 * (axes[0] + sign * axes[1]) + 0.3 * torch.randn(each // 2, 48, generator=generator)
        for sign in (1, -1)
    ]
    positive, negative = (torch.stack([half, -half], dim=1).flatten(0, 1) for half in halves)
    model = planted(positive, negative)
    assert not DifferenceInMeans().extract(model, model.contrast, (0,)).units.any()
    found = extract(model)
    unit = found.at(0, -1).unit
    assert float((axes @ unit).square().sum()) > 0.8
    assert float(unit[unit.abs().argmax()]) > 0
    assert found.scores["validation_auc"].item() == 1.0
    apart = torch.pdist(torch.cat([positive, negative]).double()).median().item()
    assert found.raw_norms.item() == pytest.approx(1e-9 * apart, rel=0.1)


def test_classes_of_the_same_prompts_have_no_direction():
    cloud = torch.randn(8, 20, generator=torch.Generator().manual_seed(0))
    found = extract(planted(cloud, cloud))
    with pytest.raises(DegenerateDirection, match="both prompt classes look the same there"):
        found.at(0, -1)


@pytest.mark.parametrize(("positive", "negative"), [(1, 5), (5, 1), (1, 60)])
def test_a_class_of_one_prompt_is_refused(positive, negative, says):
    cloud = torch.randn(positive + negative, 6)
    with pytest.raises(SteerkitError) as caught:
        extract(planted(cloud[:positive], cloud[positive:]))
    says(caught)


def test_a_share_that_leaves_nothing_to_learn_from_is_refused(says):
    cloud = torch.randn(44, 6)
    with pytest.raises(SteerkitError) as caught:
        extract(planted(cloud[:4], cloud[4:]), validation_share=0.9)
    says(caught)


def test_two_prompts_of_each_class_are_enough():
    points = torch.tensor([[1.0, 0.2, 0], [1.0, -0.1, 0.1], [-1.0, 0.1, 0.2], [-1.1, 0, -0.1]])
    found = extract(planted(points[:2], points[2:]))
    assert float(found.units[0, 0, 0]) > 0.95


def test_a_recipe_reads_the_suffix_and_steers_in_units_of_the_means(tmp_path):
    report = as_json(
        small_run(
            tmp_path,
            RecursiveFeatureMachine,
            {
                "extractor": {"use": "rfm", "position": "suffix", "iterations": 2},
                "site": {"use": "residual-add", "multiplier": 1.0, "unit": "raw"},
            },
        )
    )
    assert {cell["extractor"] for cell in report["cells"]} == {"rfm", None}
