"""Intrinsic rank, against planted ranks, numpy and scikit-learn."""

import math

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score

from steerkit_core import ContrastSet, SteerkitError
from steerkit_core.extraction.rank import auc, divide, rank, spectrum
from steerkit_core.model.load_model import adapters_of
from steerkit_core.recipe.prompts import contrast_set
from steerkit_core.testing import KitContrast, tiny_handle
from steerkit_core.values import ClassActivations
from steerkit_dim import DifferenceInMeans


@pytest.fixture(scope="module")
def model(registry):
    return tiny_handle("gemma2", adapters_of(registry))


@pytest.fixture(scope="module")
def contrast():
    return contrast_set(KitContrast.name, KitContrast().prompts())


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("k", [1, 2, 5])
def test_k_equal_directions_have_rank_k(k):
    found = spectrum(torch.eye(8, dtype=torch.float64)[:k] * 3)
    assert found.shares == pytest.approx([1 / k] * k)
    assert found.effective_rank == pytest.approx(k)
    assert found.participation == pytest.approx(k)


def test_a_spectrum_by_hand():
    """Singular values 3 and 1: p = 3/4, 1/4; squares 9 and 1."""
    found = spectrum(torch.tensor([[3.0, 0.0, 0.0], [0.0, 1.0, 0.0]], dtype=torch.float64))
    assert found.shares == pytest.approx([0.9, 0.1])
    assert found.effective_rank == pytest.approx(math.exp(-0.75 * math.log(0.75) - 0.25 * math.log(0.25)))
    assert found.participation == pytest.approx(100 / 82)


def test_nothing_has_rank_zero():
    found = spectrum(torch.zeros(3, 4, dtype=torch.float64))
    assert (found.effective_rank, found.participation) == (0, 0)


def test_auc_is_that_of_scikit_learn():
    positive, negative, axis = drawn(7, 5), drawn(9, 5, seed=1), drawn(5, seed=2)
    positive[0] = negative[0]
    labels = [1] * 7 + [0] * 9
    expected = roc_auc_score(labels, (torch.cat([positive, negative]) @ axis).numpy())
    assert auc(positive, negative, axis) == pytest.approx(expected)


def test_pairs_are_dealt_each_to_one_part():
    parts = divide(11, 4, seed=3)
    assert sorted(index for part in parts for index in part) == list(range(11))
    assert sorted(map(len, parts)) == [2, 3, 3, 3]
    assert len(divide(3, 5, seed=0)) == 3
    assert divide(11, 4, 3) == parts != divide(11, 4, 4)


def test_a_layer_is_that_of_a_naive_loop(model, contrast):
    """numpy's SVD, scikit-learn's PCA and AUC, fold by fold."""
    found = rank(
        model, DifferenceInMeans(position=(-2, -1)), contrast, (0, 1), (1, 2, 3, 99), folds=4, seed=5
    )
    assert [(one.position, one.layer) for one in found] == [(-2, 0), (-2, 1), (-1, 0), (-1, 1)]
    read = model.class_activations(contrast, (-2, -1), "residual", (0, 1))
    for one in found:
        positive, negative = (part.double().numpy() for part in read.at(one.layer, one.position))
        differences = positive - negative
        squares = np.linalg.svd(differences, compute_uv=False) ** 2
        assert one.raw.shares == pytest.approx(squares / squares.sum(), abs=1e-9)
        assert one.centred.shares == pytest.approx(
            PCA().fit(differences).explained_variance_ratio_, abs=1e-9
        )
        wholes, rows = [], []
        for part in divide(8, 4, seed=5):
            kept = [index for index in range(8) if index not in part]
            mean = differences[kept].mean(axis=0)
            axes = np.linalg.svd(differences[kept], full_matrices=False)[2]

            left, labels = np.concatenate([positive[part], negative[part]]), np.repeat([1, 0], len(part))

            def score(axis, left=left, labels=labels):
                return roc_auc_score(labels, left @ axis)

            wholes.append(score(mean))
            row = []
            for k in (1, 2, 3):
                inside = sum((axis @ mean) * axis for axis in axes[:k])
                alone = axes[k - 1] * np.sign(axes[k - 1] @ mean)
                row.append([score(inside), score(alone), score(mean - inside)])
            rows.append(row)
        assert one.whole == pytest.approx(np.mean(wholes))
        means = np.mean(rows, axis=0)
        assert [part.k for part in one.separation] == [1, 2, 3]
        for part, expected in zip(one.separation, means, strict=True):
            assert (part.first, part.alone, part.rest) == pytest.approx(tuple(expected))


@pytest.mark.parametrize("k", [1, 3])
def test_a_planted_rank_is_found(k):
    """Each pair differs along one of k directions; the rest is noise that both members share."""
    pairs, width = 60, 40
    base = drawn(pairs, width) * 0.2
    shift = torch.zeros(pairs, width, dtype=torch.float64)
    shift[torch.arange(pairs), torch.arange(pairs) % k] = torch.tensor(
        [6.0, 5.0, 4.0], dtype=torch.float64
    )[torch.arange(pairs) % k]
    positive, negative = base + shift + 0.05 * drawn(pairs, width, seed=1), base

    class Planted:
        def class_activations(self, contrast, positions, module, layers):
            read = (part[:, None, None] for part in (positive, negative))
            return ClassActivations(tuple(positions), tuple(layers), *read)

    prompts = tuple(range(pairs))
    (found,) = rank(
        Planted(), DifferenceInMeans(), ContrastSet("planted", prompts, prompts), (0,), (1, 2, 3, 4, 8)
    )
    assert found.needed == k
    assert found.separation[[1, 2, 3, 4, 8].index(k)].first > 0.99
    assert sum(found.raw.shares[:k]) > 0.98
    assert found.raw.participation == pytest.approx(k, rel=0.3)


def test_rank_needs_pairs_and_enough_of_them(model, contrast, says):
    unequal = ContrastSet("unequal", contrast.positive, contrast.negative[:6])
    with pytest.raises(SteerkitError) as caught:
        rank(model, DifferenceInMeans(), unequal, (0,), (1,))
    says(caught)
    few = ContrastSet("few", contrast.positive[:3], contrast.negative[:3])
    with pytest.raises(SteerkitError) as caught:
        rank(model, DifferenceInMeans(), few, (0,), (1,))
    says(caught)
