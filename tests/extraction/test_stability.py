"""Stability of directions, against naive loops over the model's own reads and against theory."""

import math
from collections import Counter

import numpy as np
import pytest
import torch

from steerkit_core import ContrastSet, Prompt, SteerkitError
from steerkit_core.extraction.stability import Draws, default_sizes, size_for, spearman_brown, stability
from steerkit_core.model.cached_activations import remembering
from steerkit_core.model.forward import forward
from steerkit_core.model.load_model import adapters_of
from steerkit_core.recipe.prompts import contrast_set
from steerkit_core.testing import KitContrast, tiny_handle
from steerkit_dim import DifferenceInMeans, LinearDiscriminant, PrincipalComponent, RandomDirection

EXTRACTORS = [
    DifferenceInMeans(),
    DifferenceInMeans(position=(-2, -1)),
    PrincipalComponent(),
    LinearDiscriminant(),
]


@pytest.fixture
def model(registry):
    return tiny_handle("qwen2", adapters_of(registry))


@pytest.fixture
def contrast():
    return contrast_set(KitContrast.name, KitContrast().prompts())


@pytest.fixture
def read(monkeypatch):
    """How often each prompt went through the model."""
    counted = Counter()

    def counting(model, prompts, *arguments):
        counted.update(prompt.text for prompt in prompts)
        return forward(model, prompts, *arguments)

    monkeypatch.setattr("steerkit_core.model.activations.forward", counting)
    return counted


class Spy:
    """An extractor that notes the sets it was given."""

    def __init__(self, inner):
        self.inner, self.given = inner, []

    def extract(self, model, contrast, layers):
        self.given.append(contrast)
        return self.inner.extract(model, contrast, layers)


class Planted:
    """A model of one layer that gives each prompt the activation planted for it."""

    num_layers = 1

    def __init__(self, planted):
        self.planted = planted

    def activations(self, prompts, positions, module):
        return torch.stack([self.planted[prompt.text] for prompt in prompts])[:, None, None]


def planted(pairs, width, shift, seed=0, name="planted"):
    """Pairs whose classes are unit normal clouds, `shift` apart."""
    generator = torch.Generator().manual_seed(seed)
    cloud = torch.randn(2 * pairs, width, generator=generator)
    cloud[:pairs, 0] += shift
    prompts = [Prompt(str(k), f"{name} {k}") for k in range(2 * pairs)]
    found = {prompt.text: row for prompt, row in zip(prompts, cloud, strict=True)}
    return ContrastSet(name, tuple(prompts[:pairs]), tuple(prompts[pairs:])), found


def cosine(one, other):
    return float(one @ other / one.norm() / other.norm())


@pytest.mark.parametrize("module", ["residual", "mlp"])
def test_what_is_remembered_is_what_the_model_gives(model, contrast, module):
    reader, everything = remembering(model), (*contrast.positive, *contrast.negative)
    halves = (contrast.positive[:3], contrast.negative)
    for _ in range(2):
        for positions in ((-1,), (-3, -1)):
            found = reader.activations(everything, positions, module)
            assert torch.allclose(found, model.activations(everything, positions, module), atol=1e-6)
            found = reader.mean_activations(halves, positions, module)
            assert found.dtype == torch.float64
            assert torch.allclose(found, model.mean_activations(halves, positions, module), atol=1e-6)
            ours = reader.class_activations(contrast, positions, module, (1, 0))
            theirs = model.class_activations(contrast, positions, module, (1, 0))
            assert (ours.positions, ours.layers) == (theirs.positions, theirs.layers)
            assert torch.allclose(ours.positive, theirs.positive, atol=1e-6)
            assert torch.allclose(ours.negative, theirs.negative, atol=1e-6)


def test_everything_else_is_the_models_own(model):
    reader = remembering(model)
    assert reader.width() == model.hidden_size
    assert reader.identity == model.identity
    with pytest.raises(AttributeError, match="no_such_thing"):
        _ = reader.no_such_thing


def test_a_prompt_twice_in_one_set_is_read_once_and_counts_twice(model, contrast, read):
    twice = (contrast.positive[0], contrast.positive[0], contrast.positive[1])
    found = remembering(model).mean_activations([twice])[0, 0]
    assert set(read.values()) == {1}
    each = model.activations(contrast.positive[:2])[:, 0].double()
    assert torch.allclose(found, (2 * each[0] + each[1]) / 3, atol=1e-6)


@pytest.mark.parametrize("extractor", EXTRACTORS, ids=lambda one: f"{one.name}{one.position}")
def test_every_prompt_is_read_once(model, contrast, read, extractor):
    stability(model, extractor, contrast, Draws((3, 4), 7), (0, 1))
    assert set(read) == {prompt.text for prompt in (*contrast.positive, *contrast.negative)}
    assert set(read.values()) == {1}


@pytest.mark.parametrize("extractor", EXTRACTORS, ids=lambda one: f"{one.name}{one.position}")
def test_cosines_are_those_of_a_naive_loop(model, contrast, extractor):
    """The model is asked again for every draw, and directions are compared one by one."""
    spy = Spy(extractor)
    curves = stability(model, spy, contrast, Draws((3, 4, 8), 5), (0, 1))
    whole, *drawn = spy.given
    assert whole == contrast
    assert [curve.layer for curve in curves] == [0, 1] * len(extractor.positions)
    for curve in curves:
        rest = list(drawn)
        assert [(point.kind, point.size) for point in curve.points] == [
            ("halves", 3), ("bootstrap", 3), ("halves", 4), ("bootstrap", 4), ("bootstrap", 8),
        ]  # fmt: skip
        for point in curve.points:
            cosines = []
            for _ in range(5):
                one = rest.pop(0)
                other = rest.pop(0) if point.kind == "halves" else contrast
                assert len(one.positive) == len(one.negative) == point.size
                pair = [
                    extractor.extract(model, part, (0, 1)).at(curve.layer, curve.position).unit.double()
                    for part in (one, other)
                ]
                cosines.append(cosine(*pair))
            assert point.draws == 5
            assert point.mean == pytest.approx(np.mean(cosines), abs=1e-5)
            assert point.median == pytest.approx(np.median(cosines), abs=1e-5)
            assert (point.low, point.high) == pytest.approx(
                tuple(np.quantile(cosines, [0.025, 0.975])), abs=1e-5
            )
        assert rest == []


def test_halves_share_no_prompt_and_keep_pairs(model, contrast):
    spy = Spy(DifferenceInMeans())
    stability(model, spy, contrast, Draws((4,), 20), (0,))
    for one, other in zip(spy.given[1:41:2], spy.given[2:41:2], strict=True):
        assert not set(one.positive) & set(other.positive)
        assert not set(one.negative) & set(other.negative)
    for drawn in spy.given:
        indices = [contrast.positive.index(prompt) for prompt in drawn.positive]
        assert [contrast.negative.index(prompt) for prompt in drawn.negative] == indices


def test_unequal_classes_are_drawn_class_by_class(model, contrast):
    unequal = ContrastSet("unequal", contrast.positive, contrast.negative[:6])
    spy = Spy(DifferenceInMeans())
    stability(model, spy, unequal, Draws((3, 6), 5), (0,))
    assert len(spy.given) == 1 + 10 + 5 + 5
    for one, other in zip(spy.given[1:11:2], spy.given[2:11:2], strict=True):
        assert len(one.positive) == len(one.negative) == 3
        assert not set(one.negative) & set(other.negative)


def test_independent_sets_are_drawn_from_both(model, contrast):
    ours = ContrastSet("ours", contrast.positive[:5], contrast.negative[:5])
    other = ContrastSet("other", contrast.positive[5:], contrast.negative[5:])
    spy = Spy(DifferenceInMeans())
    (curve,) = stability(model, spy, ours, Draws((3, 5), 4), (0,), against=other)
    assert [(p.kind, p.size) for p in curve.points] == [
        ("bootstrap", 3), ("independent", 3), ("bootstrap", 5),
    ]  # fmt: skip
    pairs = spy.given[5:13]
    for one, two in zip(pairs[::2], pairs[1::2], strict=True):
        assert set(one.positive) <= set(ours.positive)
        assert set(two.positive) == set(other.positive)
    assert curve.predicted is None
    assert "halves" not in curve.reached


def test_two_whole_sets_have_one_cosine(model, contrast):
    halves = [
        ContrastSet(name, contrast.positive[cut], contrast.negative[cut])
        for name, cut in (("one", slice(4)), ("two", slice(4, 8)))
    ]
    (curve,) = stability(model, DifferenceInMeans(), halves[0], Draws((4,), 9), (1,), against=halves[1])
    point = next(point for point in curve.points if point.kind == "independent")
    units = [DifferenceInMeans().extract(model, one, (1,)).at(1, -1).unit.double() for one in halves]
    assert point.draws == 1
    assert point.mean == point.low == point.high == pytest.approx(cosine(*units), abs=1e-5)


@pytest.mark.parametrize(("size", "shift"), [(5, 3.0), (20, 3.0), (20, 6.0), (40, 1.0)])
def test_cosines_of_noisy_means_are_those_of_theory(size, shift):
    """A mean difference of n + n unit normal points in d dimensions has noise of length^2 2 d / n.

    A large set stands for the population, of which few draws share a prompt.
    """
    width = 60
    contrast, found = planted(1500, width, shift)
    (curve,) = stability(Planted(found), DifferenceInMeansOf(), contrast, Draws((size,), 200), (0,))
    signal, noise = shift**2, 2 * width / size
    halves, bootstrap = curve.points
    assert halves.mean == pytest.approx(signal / (signal + noise), abs=0.03)
    assert bootstrap.mean == pytest.approx(math.sqrt(signal / (signal + noise)), abs=0.03)
    assert halves.doubled == pytest.approx(signal / (signal + noise / 2), abs=0.04)
    expected = noise * size / signal * 0.95 / 0.05
    assert curve.predicted == pytest.approx(expected, rel=0.25)


class DifferenceInMeansOf:
    """`dim` for a model that is no more than its activations."""

    def extract(self, model, contrast, layers):
        from steerkit_core import DirectionSet

        read = model.class_activations(contrast, (-1,), "residual", layers)
        raw = read.positive.double().mean(dim=0) - read.negative.double().mean(dim=0)
        return DirectionSet.from_raw(raw, (-1,), tuple(layers))


def test_the_size_that_reaches_the_threshold_stays_above_it():
    contrast, found = planted(200, 30, 4.0)
    draws = Draws((2, 4, 16, 64, 100), 60)
    (curve,) = stability(Planted(found), DifferenceInMeansOf(), contrast, draws, (0,))
    means = {point.size: point.mean for point in curve.points if point.kind == "halves"}
    expected = min(size for size in means if all(means[n] >= 0.95 for n in means if n >= size))
    assert curve.reached["halves"] == expected
    (curve,) = stability(Planted(found), DifferenceInMeansOf(), contrast, draws, (0,), threshold=0.9999)
    assert curve.reached["halves"] is None


def test_the_seed_decides_and_other_sizes_change_nothing(model, contrast):
    def points(sizes, seed):
        (curve,) = stability(model, DifferenceInMeans(), contrast, Draws(sizes, 6, seed), (1,))
        return {(point.kind, point.size): point for point in curve.points}

    alone = points((3,), 1)
    assert points((3,), 1) == alone
    assert alone.items() <= points((2, 3, 8), 1).items()
    assert points((3,), 2) != alone


def test_a_direction_that_prompts_do_not_determine_is_stable(model, contrast):
    curves = stability(model, RandomDirection(), contrast, Draws((2, 4), 3), (0, 1))
    assert all(point.mean == pytest.approx(1.0, abs=1e-6) for curve in curves for point in curve.points)
    assert all(point.high <= 1 for curve in curves for point in curve.points)


def test_dead_directions_are_counted_and_left_out():
    contrast, found = planted(6, 5, 0.0)
    same = {text: torch.ones(5) for text in found}
    (curve,) = stability(Planted(same), DifferenceInMeansOf(), contrast, Draws((2,), 4), (0,))
    assert [(point.draws, point.dead) for point in curve.points] == [(0, 4), (0, 4)]
    assert all(point.mean is None for point in curve.points)
    assert curve.reached == {"halves": None, "bootstrap": None}
    assert curve.predicted is None


@pytest.mark.parametrize(
    ("count", "sizes"), [(1, (1,)), (5, (2, 4, 5)), (64, (2, 4, 8, 16, 32, 64)), (10, (2, 4, 5, 8, 10))]
)
def test_default_sizes_are_powers_the_half_and_the_whole(count, sizes):
    contrast, _ = planted(count, 3, 1.0)
    assert default_sizes(contrast) == sizes


def test_spearman_and_brown_by_hand():
    assert spearman_brown(0.6, 2) == pytest.approx(0.75)
    assert spearman_brown(0.5, 19) == pytest.approx(0.95)
    assert size_for(0.5, 10, 0.95) == 190
    assert size_for(0.95, 10, 0.95) == 10
    assert size_for(1.0, 10, 0.95) == 1
    assert size_for(-0.1, 10, 0.95) is None
    assert size_for(math.nan, 10, 0.95) is None


@pytest.mark.parametrize("size", [0, 9])
def test_sizes_that_the_set_has_not_are_refused(model, contrast, read, size, says):
    with pytest.raises(SteerkitError) as caught:
        stability(model, DifferenceInMeans(), contrast, Draws((2, size)), (0,))
    says(caught)
    assert not read


def test_sets_that_share_prompts_are_refused(model, contrast, says):
    other = ContrastSet("other", contrast.positive[:3], contrast.negative[6:])
    with pytest.raises(SteerkitError) as caught:
        stability(model, DifferenceInMeans(), contrast, Draws((2,)), (0,), against=other)
    says(caught)


def test_a_size_too_small_for_the_extractor_is_named(model, contrast, says):
    with pytest.raises(SteerkitError) as caught:
        stability(model, LinearDiscriminant(), contrast, Draws((2, 4)), (0,))
    says(caught)


def test_an_extractor_of_pairs_refuses_unequal_classes(model, contrast):
    unequal = ContrastSet("unequal", contrast.positive, contrast.negative[:6])
    with pytest.raises(SteerkitError, match=r"^pca needs pairs, .* got 8 positive and 6"):
        stability(model, PrincipalComponent(), unequal, Draws((2,)), (0,))
