"""`subspace`, against numpy, and against `pca` and `dim` at its two ends."""

import numpy as np
import pytest
import torch

from steerkit_core import ContrastSet, SteerkitError
from steerkit_core.group_model import adapters_of
from steerkit_core.prompts import contrast_set
from steerkit_core.testing import KitContrast, tiny_handle
from steerkit_dim import DifferenceInMeans, PrincipalComponent, PrincipalSubspace

PAIRS = 8


@pytest.fixture(scope="module")
def model(registry):
    return tiny_handle("gemma2", adapters_of(registry))


@pytest.fixture(scope="module")
def contrast():
    return contrast_set(KitContrast.name, KitContrast().prompts())


@pytest.mark.parametrize(("components", "other"), [(1, PrincipalComponent()), (PAIRS, DifferenceInMeans())])
def test_it_lies_between_pca_and_dim(model, contrast, components, other):
    found = PrincipalSubspace(components=components).extract(model, contrast, (0, 1))
    expected = other.extract(model, contrast, (0, 1))
    assert torch.allclose(found.units, expected.units, atol=1e-5)
    assert torch.allclose(found.raw_norms, expected.raw_norms, rtol=1e-5)


@pytest.mark.parametrize("components", [2, 3, 5])
def test_it_is_the_part_of_the_mean_in_the_first_singular_vectors(model, contrast, components):
    found = PrincipalSubspace(components=components).extract(model, contrast, (1,)).at(1, -1)
    read = model.class_activations(contrast).at(1, -1)
    differences = (read[0].double() - read[1].double()).numpy()
    axes = np.linalg.svd(differences)[2][:components]
    mean = differences.mean(axis=0)
    expected = sum((axis @ mean) * axis for axis in axes)
    assert found.raw_norm == pytest.approx(np.linalg.norm(expected), rel=1e-6)
    assert found.unit.numpy() == pytest.approx(expected / np.linalg.norm(expected), abs=1e-6)


def test_classes_of_unequal_size_are_refused(model, contrast):
    unequal = ContrastSet("unequal", contrast.positive, contrast.negative[:6])
    with pytest.raises(SteerkitError) as caught:
        PrincipalSubspace().extract(model, unequal, (0,))
    assert str(caught.value) == (
        "subspace needs pairs, the first positive prompt with the first negative one and so on, got"
        " 8 positive and 6 negative prompts: give classes of one size"
    )


def test_more_components_than_pairs_are_refused(model, contrast):
    with pytest.raises(SteerkitError) as caught:
        PrincipalSubspace(components=9).extract(model, contrast, (0,))
    assert str(caught.value) == (
        "subspace keeps 9 principal directions, of which 8 pairs have at most 8: lower extractor.components or"
        " add prompts"
    )
