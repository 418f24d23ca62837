"""The maps, against numpy's least squares and scipy's Procrustes."""

import numpy as np
import pytest
import torch
from scipy.linalg import orthogonal_procrustes

from steerkit_transfer import matched_layer
from steerkit_transfer.maps import procrustes_map, ridge_map, share_spanned


def drawn(rows, width, seed):
    return np.random.default_rng(seed).normal(size=(rows, width)) + 3.0


@pytest.mark.parametrize(("rows", "wide", "narrow"), [(40, 6, 9), (5, 12, 7), (30, 8, 8)])
def test_ridge_is_least_squares_with_rows_of_penalty(rows, wide, narrow):
    x, y = drawn(rows, wide, 1), drawn(rows, narrow, 2)
    centred = x - x.mean(axis=0)
    penalty = 0.3 * (centred**2).sum()
    above = np.vstack([centred, np.sqrt(penalty) * np.eye(wide)])
    below = np.vstack([y - y.mean(axis=0), np.zeros((wide, narrow))])
    expected = np.linalg.lstsq(above, below, rcond=None)[0]
    found = ridge_map(torch.tensor(x), torch.tensor(y), 0.3)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-10)


def test_procrustes_is_scipys_where_all_dimensions_are_spanned():
    x, y = drawn(50, 7, 3), drawn(50, 7, 4)
    centred = x - x.mean(axis=0)
    rotation, total = orthogonal_procrustes(centred, y - y.mean(axis=0))
    expected = rotation * total / (centred**2).sum()
    np.testing.assert_allclose(
        procrustes_map(torch.tensor(x), torch.tensor(y)).numpy(), expected, atol=1e-10
    )


@pytest.mark.parametrize(("wide", "narrow"), [(9, 5), (5, 9)])
def test_procrustes_between_unequal_widths_is_a_scaled_partial_isometry(wide, narrow):
    x, y = drawn(40, wide, 5), drawn(40, narrow, 6)
    linear = procrustes_map(torch.tensor(x), torch.tensor(y)).numpy()
    values = np.linalg.svd(linear, compute_uv=False)
    np.testing.assert_allclose(values, values[0], rtol=1e-10)
    # no other partial isometry has a larger trace with X^T Y: it is the sum of the singular values
    product = (x - x.mean(axis=0)).T @ (y - y.mean(axis=0))
    total = np.linalg.svd(product, compute_uv=False).sum()
    np.testing.assert_allclose(np.trace((linear / values[0]).T @ product), total)


def test_a_rotated_model_is_found_again_by_procrustes():
    x = drawn(30, 6, 7)
    turn = np.linalg.qr(drawn(6, 6, 8))[0]
    found = procrustes_map(torch.tensor(x), torch.tensor(2.5 * x @ turn))
    np.testing.assert_allclose(found.numpy(), 2.5 * turn, atol=1e-10)


def test_what_prompts_do_not_span_is_mapped_to_nothing():
    x = np.zeros((8, 4))
    x[:, :2] = drawn(8, 2, 9)
    away = torch.tensor([0.0, 0.0, 1.0, 0.0])
    half = torch.tensor([1.0, 0.0, 1.0, 0.0])
    linear = procrustes_map(torch.tensor(x), torch.tensor(drawn(8, 3, 10)))
    assert float((away.double() @ linear).norm()) < 1e-12
    assert share_spanned(away, torch.tensor(x)) < 1e-12
    assert share_spanned(half, torch.tensor(x)) == pytest.approx(0.5**0.5)


@pytest.mark.parametrize(
    ("layer", "layers", "source", "expected"),
    [
        (32, 64, 48, 24),
        (24, 48, 64, 32),
        (16, 28, 42, 24),
        (25, 42, 28, 16),
        (0, 10, 12, 0),
        (9, 10, 12, 10),
    ],
)
def test_a_layer_is_matched_by_relative_depth(layer, layers, source, expected):
    assert matched_layer(layer, layers, source) == expected
