"""`subspace`, against numpy, and against `pca` and `dim` at its two ends."""

import numpy as np
import pytest
import torch
from as_json import as_json

from steerkit_core import ContrastSet, DirectionSet, Intervention, Steering, SteerkitError
from steerkit_core.generation.batch_edits import compile_edits
from steerkit_core.generation.edits import apply_edit
from steerkit_core.model.load_model import adapters_of
from steerkit_core.pipeline.recipe_run import run_recipe
from steerkit_core.plugin.registry import Registry
from steerkit_core.recipe.parsing import load_recipe
from steerkit_core.recipe.prompts import contrast_set
from steerkit_core.results.directions import kept_directions
from steerkit_core.steering.controls import random_directions
from steerkit_core.testing import KitContrast, TinyModels, tiny_handle
from steerkit_dim import DifferenceInMeans, PrincipalComponent, PrincipalSubspace
from steerkit_sites import ResidualAblate, ResidualAdd, ResidualAffine

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


def test_its_axes_are_numpys_singular_vectors(model, contrast):
    found = PrincipalSubspace(components=3).extract(model, contrast, (0, 1)).at(1, -1)
    read = model.class_activations(contrast).at(1, -1)
    axes = np.linalg.svd((read[0].double() - read[1].double()).numpy())[2][:3]
    # of either sign
    assert np.abs(found.axes.numpy() @ axes.T) == pytest.approx(np.eye(3), abs=1e-5)
    assert float((found.axes @ found.unit).norm()) == pytest.approx(1, abs=1e-6)


def test_ablating_takes_the_whole_subspace_out_of_every_block(model, contrast):
    directions = PrincipalSubspace(components=3).extract(model, contrast, range(model.num_layers))
    steering = Steering(directions, 1, -1, 0.0, model.num_layers, ())
    edits = ResidualAblate().intervene(steering).edits
    assert [edit.layer for edit in edits] == [layer for layer in range(model.num_layers) for _ in range(3)]
    axes = directions.at(1).axes.double()
    compiled = compile_edits(
        [Intervention(edits)], "prompt", width=model.width, dtype=torch.float32, device=torch.device("cpu")
    )
    h = torch.randn(1, 4, model.hidden_size, generator=torch.Generator().manual_seed(2))
    for edit in compiled.values():
        got = apply_edit(h, edit).double()
        torch.testing.assert_close(got, h.double() - h.double() @ axes.T @ axes, rtol=0, atol=1e-5)


def test_affine_sets_all_axes_to_the_neutral_mean(model, contrast):
    directions = PrincipalSubspace(components=3).extract(model, contrast, range(model.num_layers))
    read = model.class_activations(contrast)
    steering = Steering(directions, 1, -1, 0.5, model.num_layers, (), classes=lambda: read)
    edits = ResidualAffine(multiplier=0.5, span="layer").intervene(steering)
    (edit,) = compile_edits(
        [edits], "prompt", width=model.width, dtype=torch.float32, device=torch.device("cpu")
    ).values()
    h = torch.randn(1, 4, model.hidden_size, generator=torch.Generator().manual_seed(2)).double()
    axes, mean = directions.at(1).axes.double(), read.at(1, -1)[1].double().mean(dim=0)
    inside = axes.T @ axes
    # the raw direction, by hand: the mean difference as far as it lies in the subspace
    difference = (read.at(1, -1)[0].double() - read.at(1, -1)[1].double()).mean(dim=0)
    expected = h - h @ inside + inside @ mean + 0.5 * (inside @ difference)
    torch.testing.assert_close(apply_edit(h.float(), edit).double(), expected, rtol=0, atol=1e-4)


def test_adding_adds_the_direction_alone(model, contrast):
    directions = PrincipalSubspace(components=3).extract(model, contrast, (0, 1))
    (edit,) = (
        ResidualAdd(multiplier=2.0, span="layer").intervene(Steering(directions, 1, -1, 2.0, 4, ())).edits
    )
    assert torch.equal(edit.add, 2.0 * directions.at(1).unit)


def test_axes_are_kept_with_directions(model, contrast, tmp_path):
    directions = PrincipalSubspace(components=2).extract(model, contrast, (0, 1))
    directions.save(tmp_path / "some.safetensors")
    assert torch.equal(DirectionSet.load(tmp_path / "some.safetensors").axes, directions.axes)


def test_random_controls_are_as_many_axes(model, contrast):
    directions = PrincipalSubspace(components=3).extract(model, contrast, (0, 1))
    drawn = random_directions(directions, 0, 1).at(1)
    torch.testing.assert_close(drawn.axes @ drawn.axes.T, torch.eye(3), rtol=0, atol=1e-5)
    assert float((drawn.axes @ drawn.unit).norm()) == pytest.approx(1, abs=1e-5)
    assert float((drawn.axes @ directions.at(1).axes.T).abs().max()) < 0.9


RECIPE = """\
[run]
name = "without"
[model]
id = "tiny:qwen2"
[prompts]
contrast = "refusal-5"
evaluation = "benign-30"
[extractor]
use = "subspace"
components = 3
[selector]
use = "fixed"
layer = 2
[site]
use = "residual-ablate"
[classifier]
use = "refusal-keywords"
[controls]
random = 1
shuffled = 1
flipped = true
[generation]
max_new_tokens = 3
"""


def test_a_run_keeps_the_axes_and_its_controls_have_their_own(own_host, tmp_path, says):
    own_host.register(TinyModels(tmp_path / "tiny"), "tiny")
    registry = Registry.collect(own_host)
    (tmp_path / "recipe.toml").write_text(RECIPE)
    report = as_json(
        run_recipe(load_recipe(tmp_path / "recipe.toml", registry), registry, tmp_path / "run")
    )
    (controls,) = report["controls"]
    says("\n".join(controls["left_out"]))
    by_name = {cell["control"]: cell for cell in report["cells"] if cell["role"] != "baseline"}
    bases = {
        name: DirectionSet.load(
            tmp_path / "run" / "directions.safetensors", by_name[name]["extraction"]
        ).axes
        for name in (None, "shuffled-1")
    }
    assert bases[None].shape == bases["shuffled-1"].shape == (1, 4, 3, bases[None].shape[-1])
    assert not torch.allclose(bases[None], bases["shuffled-1"])
    taken = kept_directions(str(tmp_path / "run"))
    assert torch.equal(taken.directions().axes, bases[None])


def test_classes_of_unequal_size_are_refused(model, contrast, says):
    unequal = ContrastSet("unequal", contrast.positive, contrast.negative[:6])
    with pytest.raises(SteerkitError) as caught:
        PrincipalSubspace().extract(model, unequal, (0,))
    says(caught)


def test_more_components_than_pairs_are_refused(model, contrast, says):
    with pytest.raises(SteerkitError) as caught:
        PrincipalSubspace(components=9).extract(model, contrast, (0,))
    says(caught)
