"""`pca`, `logistic`, `lda` and `random`, against numpy, scikit-learn at full width, and `dim`."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from sklearn.covariance import ledoit_wolf_shrinkage
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression as SklearnLogistic
from sklearn.preprocessing import StandardScaler

from steerkit_core import (
    ClassActivations,
    ContrastSet,
    DegenerateDirection,
    Prompt,
    SteerkitError,
)
from steerkit_core.model.load_model import adapters_of
from steerkit_core.recipe.prompts import contrast_set
from steerkit_core.testing import KitContrast, tiny_handle
from steerkit_dim import (
    DifferenceInMeans,
    LinearDiscriminant,
    LogisticRegression,
    PrincipalComponent,
    RandomDirection,
)
from steerkit_dim.lda import ledoit_wolf

RELATIVES = [PrincipalComponent, LogisticRegression, LinearDiscriminant]


@pytest.fixture(scope="module")
def model(registry):
    return tiny_handle("gemma2", adapters_of(registry))


@pytest.fixture(scope="module")
def contrast():
    return contrast_set(KitContrast.name, KitContrast().prompts())


def classes(positive, negative, width, seed=0, scale=1.0):
    """Two clouds of unequal scales, apart along a few features; float32, as activations are."""
    generator = torch.Generator().manual_seed(seed)
    cloud = torch.randn(positive + negative, width, generator=generator)
    cloud *= scale * torch.logspace(0, 1, width)
    cloud[:positive, 3:6] += 2 * scale
    return cloud[:positive], cloud[positive:]


def found(extractor, positive, negative):
    """The direction and the raw norm, at the one position and layer of a model that is given."""

    class Given:
        def class_activations(self, contrast, positions, module, layers):
            read = (part[:, None, None] for part in (positive, negative))
            return ClassActivations(tuple(positions), tuple(layers), *read)

    prompts = [tuple(Prompt(str(k), "text") for k in range(len(part))) for part in (positive, negative)]
    directions = extractor.extract(Given(), ContrastSet("given", *prompts), (0,))
    return directions.units[0, 0].double().numpy(), float(directions.raw_norms[0, 0])


def cosine(one, other):
    return float(np.dot(one, other) / np.linalg.norm(one) / np.linalg.norm(other))


def stacked(positive, negative):
    return torch.cat([positive, negative]).double().numpy(), np.repeat(
        [1, 0], [len(positive), len(negative)]
    )


@pytest.mark.parametrize(("pairs", "width"), [(6, 40), (40, 12)])
def test_pca_is_that_of_pairs_without_their_middles(pairs, width):
    """scikit-learn's PCA of both members of every pair, the middle of the pair subtracted."""
    positive, negative = classes(pairs, pairs, width)
    middles = (positive + negative).double() / 2
    centred = torch.cat([positive - middles, negative - middles]).numpy()
    expected = PCA(n_components=1, svd_solver="full").fit(centred).components_[0]
    expected *= np.sign(expected @ (positive.mean(dim=0) - negative.mean(dim=0)).numpy())
    assert cosine(found(PrincipalComponent(), positive, negative)[0], expected) > 1 - 1e-9


def test_pca_finds_a_difference_that_all_pairs_share():
    """Which a PCA of centred differences removes."""
    positive, negative = classes(20, 20, 30)
    shift = torch.zeros(30)
    shift[7] = 50.0
    unit, _ = found(PrincipalComponent(), positive + shift, negative)
    assert unit[7] > 0.95
    differences = (positive + shift - negative).numpy()
    assert abs(PCA(n_components=1).fit(differences).components_[0][7]) < 0.5


@pytest.mark.parametrize(("positive", "negative"), [(5, 4), (1, 2)])
def test_pca_refuses_classes_of_unequal_size(positive, negative, says):
    with pytest.raises(SteerkitError) as caught:
        found(PrincipalComponent(), *classes(positive, negative, 8))
    says(caught)


@pytest.mark.parametrize("penalty", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("scale", ["common", "features", "none"])
@pytest.mark.parametrize(("positive", "negative", "width"), [(12, 9, 60), (40, 30, 8)])
def test_logistic_regression_is_that_of_scikit_learn_at_full_width(
    positive, negative, width, scale, penalty
):
    first, second = classes(positive, negative, width, scale=0.3)
    points, labels = stacked(first, second)
    divisor = {
        "common": np.full(width, np.sqrt(points.var(axis=0).mean())),
        "features": StandardScaler().fit(points).scale_,
        "none": np.ones(width),
    }[scale]
    model = SklearnLogistic(C=penalty, tol=1e-10, max_iter=100_000, solver="lbfgs")
    model.fit((points - points.mean(axis=0)) / divisor, labels)
    unit, _ = found(LogisticRegression(inverse_penalty=penalty, scale=scale), first, second)
    assert cosine(unit, model.coef_[0] / divisor) > 1 - 1e-6


def test_the_scale_of_the_activations_means_nothing_to_logistic_regression():
    positive, negative = classes(12, 9, 60)
    for scale, same in (("common", True), ("features", True), ("none", False)):
        extractor = LogisticRegression(scale=scale, inverse_penalty=0.1)
        one, other = (found(extractor, positive * by, negative * by)[0] for by in (0.01, 100.0))
        assert (cosine(one, other) > 1 - 1e-6) is same


def test_a_feature_that_never_changes_has_no_weight():
    positive, negative = classes(12, 9, 20)
    positive[:, 4] = negative[:, 4] = 7.0
    for extractor in (LogisticRegression(scale="features"), LogisticRegression(), LinearDiscriminant()):
        unit, _ = found(extractor, positive, negative)
        assert np.isfinite(unit).all()
        assert unit[4] == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("shrinkage", ["auto", 0.1, 0.9])
@pytest.mark.parametrize(
    ("positive", "negative", "width"), [(12, 9, 60), (9, 12, 60), (50, 40, 8), (3, 3, 20)]
)
def test_lda_is_that_of_scikit_learn_at_full_width(positive, negative, width, shrinkage):
    first, second = classes(positive, negative, width)
    model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=shrinkage)
    model.fit(*stacked(first, second))
    unit, _ = found(LinearDiscriminant(shrinkage=shrinkage), first, second)
    assert cosine(unit, model.coef_[0]) > 1 - 1e-9


@pytest.mark.parametrize(("n", "width"), [(5, 40), (60, 7), (3, 3)])
def test_the_amount_of_shrinkage_is_that_of_scikit_learn(n, width):
    points = classes(n, 1, width)[0].double()
    centred = points - points.mean(dim=0)
    assert ledoit_wolf(centred) == pytest.approx(ledoit_wolf_shrinkage(points.numpy()), rel=1e-9)


@pytest.mark.parametrize(
    ("positive", "negative", "options", "message"),
    [
        (2, 5, {}, "at least 3 prompts of each class to estimate a covariance, got 2 positive and 5 negative: add prompts, or set extractor.shrinkage to a number"),
        (5, 1, {}, "at least 3 prompts of each class to estimate a covariance, got 5 positive and 1 negative: add prompts"),
        (5, 1, {"shrinkage": 0.5}, "at least 2 prompts of each class to estimate a covariance, got 5 positive and 1 negative: add prompts"),
    ],
)  # fmt: skip
def test_lda_refuses_classes_without_a_covariance(positive, negative, options, message):
    with pytest.raises(SteerkitError) as caught:
        found(LinearDiscriminant(**options), *classes(positive, negative, 8))
    assert str(caught.value) == f"lda needs {message}"


@pytest.mark.parametrize("relative", RELATIVES)
def test_the_sign_and_the_raw_norm_are_those_of_the_means(relative):
    positive, negative = classes(12, 12, 40)
    difference = (positive.double().mean(dim=0) - negative.double().mean(dim=0)).numpy()
    unit, raw_norm = found(relative(), positive, negative)
    back, _ = found(relative(), negative, positive)
    assert raw_norm == pytest.approx(float(difference @ unit), rel=1e-5)
    assert raw_norm > 0
    assert cosine(unit, back) < -1 + 1e-6


@pytest.mark.parametrize("relative", RELATIVES)
def test_classes_that_are_the_same_have_no_direction(relative):
    """All prompts alike, or the very same prompts in both classes."""
    cloud = classes(6, 6, 20)[0]
    still = torch.ones(6, 20)
    for pair in ((cloud, cloud), (still, still)):
        unit, raw_norm = found(relative(), *pair)
        assert raw_norm == 0.0
        assert np.isfinite(unit).all()


@pytest.mark.parametrize("relative", RELATIVES)
def test_every_position_of_the_suffix_and_every_layer_has_its_own(relative, model, contrast):
    """Each as if it alone had been read."""
    whole = relative(position="suffix").extract(model, contrast, (0, 2))
    assert whole.positions == tuple(range(-model.suffix_length, 0))
    assert len(whole.positions) > 1
    read = model.class_activations(contrast, whole.positions, layers=(0, 2))
    for position in whole.positions:
        for layer in (0, 2):
            unit, raw_norm = found(relative(), *read.at(layer, position))
            direction = whole.at(layer, position)
            assert cosine(direction.unit.double().numpy(), unit) > 1 - 1e-9
            assert direction.raw_norm == pytest.approx(raw_norm, rel=1e-9)


def test_random_directions_are_those_of_their_seed_and_as_long_as_the_mean_difference(model, contrast):
    layers = (0, 3)
    directions = RandomDirection(seed=3, position=(-2, -1)).extract(model, contrast, layers)
    means = DifferenceInMeans(position=(-2, -1)).extract(model, contrast, layers)
    torch.testing.assert_close(directions.raw_norms, means.raw_norms)
    drawn = torch.randn(
        model.num_layers, model.hidden_size, generator=torch.Generator().manual_seed(3), dtype=torch.float64
    )
    for column, layer in enumerate(layers):
        expected = (drawn[layer] / drawn[layer].square().sum().sqrt()).float()
        for row in range(2):
            torch.testing.assert_close(directions.units[row, column], expected)
    other = RandomDirection(seed=4).extract(model, contrast, layers)
    assert abs(float((other.units[0] * directions.units[1]).sum(dim=-1).max())) < 0.6


def test_random_directions_of_classes_that_are_the_same_are_refused(model, contrast):
    alike = ContrastSet("alike", contrast.positive, contrast.positive)
    with pytest.raises(DegenerateDirection, match="both prompt classes look the same there"):
        RandomDirection().extract(model, alike, (0,)).at(0, -1)


def test_nothing_heavy_is_imported_before_it_is_needed():
    heavy = ("torch", "numpy", "sklearn", "scipy")
    code = (
        "import sys, steerkit_dim, steerkit_contrib_rfm;"
        f" print([name for name in {heavy!r} if name in sys.modules])"
    )
    path = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
