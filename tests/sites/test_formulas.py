"""What each operation puts into its edits: vectors, gains, lengths in three units, and what is refused."""

import pytest
import torch

from steerkit_core import ClassActivations, DegenerateDirection, ModelError, SteerkitError
from steerkit_core.generation.batch_edits import edits_of_batch
from steerkit_core.values import DirectionSet, Steering
from steerkit_sites import (
    OPERATIONS,
    AttentionAblate,
    AttentionAdd,
    AttentionClamp,
    Conditional,
    HeadAffine,
    HeadReflect,
    MlpAffine,
    MlpReflect,
    ResidualAblate,
    ResidualAdd,
    ResidualAffine,
    ResidualClamp,
    ResidualReflect,
)

SITES = tuple(kind for kinds in OPERATIONS for kind in kinds)
# directions of length 5, 13 and 2 in a space of six dimensions
RAW = torch.tensor(
    [[[3.0, 4.0, 0.0, 0.0, 0.0, 0.0], [0.0, 3.0, 4.0, 0.0, 0.0, 12.0], [0.0, 0.0, 0.0, 0.0, 0.0, 2.0]]]
)
NEGATIVE = torch.tensor([[0.0, 1.0, 2.0, 3.0, 4.0, 5.0], [2.0, 1.0, 0.0, 1.0, 2.0, 1.0]])
MEAN = torch.tensor([1.0, 1.0, 1.0, 2.0, 3.0, 3.0])  # of the two rows


def no_classes():
    raise AssertionError("the activations were read, and nothing needs them")


def classes():
    negative = NEGATIVE.view(2, 1, 1, 6) * torch.tensor([1.0, 2.0, 3.0]).view(1, 1, 3, 1)
    return ClassActivations((-1,), (0, 1, 2), negative + RAW, negative)


def steering(module="residual", layer=1, multiplier=2.0, raw=RAW, read=no_classes):
    directions = DirectionSet.from_raw(raw, (-1,), tuple(range(raw.shape[1])), module)
    return Steering(directions, layer, -1, multiplier, 3, (10.0, 20.0, 40.0), 3, classes=read)


@pytest.mark.parametrize(
    ("site", "gain", "edited"),
    [
        (ResidualAdd(), 0.0, [1, 2]),
        (ResidualAblate(), 1.0, [0, 1, 2]),
        (ResidualClamp(), 1.0, [1, 2]),
        (ResidualReflect(), 2.0, [1]),
        (AttentionAdd(), 0.0, [1]),
        (AttentionAblate(), 1.0, [0, 1, 2]),
        (AttentionClamp(span="onward"), 1.0, [1, 2]),
        (MlpReflect(span="everywhere"), 2.0, [0, 1, 2]),
        (HeadReflect(), 2.0, [1]),
    ],
)
def test_gains_and_layers(site, gain, edited):
    edits = site.intervene(steering(site.module)).edits
    assert [(edit.layer, edit.gain) for edit in edits] == [(layer, gain) for layer in edited]
    for edit in edits:
        if gain:
            torch.testing.assert_close(edit.unit, RAW[0, 1] / 13)


@pytest.mark.parametrize(
    ("unit", "length"), [("absolute", 2.0), ("residual", 2.0 * 20.0), ("raw", 2.0 * 13.0)]
)
def test_a_clamp_sets_the_component_to_the_multiplier_in_its_unit(unit, length):
    intervention = ResidualClamp(unit=unit, span="layer").intervene(steering())
    (edit,) = intervention.edits
    torch.testing.assert_close(edit.add, RAW[0, 1] / 13 * length)
    assert intervention.strength == pytest.approx(length)


@pytest.mark.parametrize(
    ("unit", "multiplier", "beyond"),
    [
        ("raw", 1.0, 13.0),
        ("raw", 0.0, 0.0),
        ("raw", -0.5, -6.5),
        ("absolute", 3.0, 3.0),
        ("residual", 0.5, 10.0),
    ],
)
def test_affine_counts_from_the_neutral_mean_of_the_edited_layer(unit, multiplier, beyond):
    way = steering(multiplier=multiplier, read=classes)
    intervention = ResidualAffine(unit=unit).intervene(way)
    d = RAW[0, 1] / 13
    assert [edit.layer for edit in intervention.edits] == [1, 2]
    for edit in intervention.edits:
        neutral = (edit.layer + 1) * float(MEAN @ d)  # the classes grow from layer to layer
        torch.testing.assert_close(edit.add, (neutral + beyond) * d)
        assert edit.gain == 1.0
    assert intervention.strength == pytest.approx(abs(beyond))


def test_affine_carries_a_neutral_mean_to_the_positive_one_along_the_direction():
    """With c = 1 the component becomes that of the positive class's mean, whatever it was."""
    way = steering("mlp", multiplier=1.0, read=classes)
    (edit,) = MlpAffine().intervene(way).edits
    positive, _ = way.classes.at(1, -1)
    h = torch.randn(6, generator=torch.Generator().manual_seed(0))
    edited = h + edit.add - edit.gain * (h @ edit.unit) * edit.unit
    torch.testing.assert_close(edited @ edit.unit, positive.mean(dim=0) @ edit.unit)


def test_affine_in_heads_counts_along_their_own_part():
    (edit,) = HeadAffine(heads=(1, 2)).intervene(steering("heads", multiplier=1.0, read=classes)).edits
    d = torch.tensor([0.0, 0.0, 4.0, 0.0, 0.0, 12.0]) / 160**0.5
    torch.testing.assert_close(edit.unit, d)
    torch.testing.assert_close(edit.add, (2 * float(MEAN @ d) + 160**0.5) * d)


def test_only_affine_and_conditional_read_the_contrast_set():
    for kind in SITES:
        way = steering(kind().module, multiplier=1.0)
        if kind.name.endswith("affine"):
            with pytest.raises(AssertionError, match="were read"):
                kind().intervene(way)
        else:
            kind().intervene(way)
    with pytest.raises(AssertionError, match="were read"):
        Conditional().intervene(way)


def test_without_a_run_the_classes_are_refused(says):
    way = steering()
    bare = Steering(way.directions, 1, -1, 1.0, 3, way.residual_norms)
    with pytest.raises(SteerkitError) as caught:
        ResidualAffine().intervene(bare)
    says(caught)


def test_neutral_multipliers():
    neutral = {kind.name.split("-")[1]: kind().neutral_multiplier for kind in SITES}
    assert neutral == {"add": 0.0, "ablate": 0.0, "clamp": None, "affine": None, "reflect": 0.0}
    takes = {kind.name.split("-")[1]: kind().takes_multiplier for kind in SITES}
    assert takes == {"add": True, "ablate": False, "clamp": True, "affine": True, "reflect": False}


@pytest.mark.parametrize(
    ("unit", "lengths", "strength", "layer"),
    [
        ("absolute", [2.0, 2.0, 2.0], 2.0, 1),  # equal lengths: that of the chosen layer
        ("raw", [10.0, 26.0, 4.0], 26.0, 1),
        ("residual", [20.0, 40.0, 80.0], 80.0, 2),
    ],
)
def test_per_layer_every_layer_has_its_own_direction_and_length(unit, lengths, strength, layer):
    site = ResidualAdd(span="everywhere", directions="per-layer", unit=unit)
    intervention = site.intervene(steering())
    assert [edit.layer for edit in intervention.edits] == [0, 1, 2]
    for edit, length in zip(intervention.edits, lengths, strict=True):
        torch.testing.assert_close(edit.add, RAW[0, edit.layer] / RAW[0, edit.layer].norm() * length)
    assert intervention.strength == pytest.approx(strength)
    assert intervention.strength_layer == layer


def test_selected_uses_the_chosen_layers_norms_wherever_it_edits():
    for edit in ResidualAdd(span="everywhere", unit="residual").intervene(steering()).edits:
        torch.testing.assert_close(edit.add, RAW[0, 1] / 13 * 40)


def test_a_degenerate_direction_is_an_error_that_names_its_layer(says):
    raw = RAW.clone()
    raw[0, 2] = 0.0
    way = steering(raw=raw)
    ResidualAdd().intervene(way)  # the chosen layer's own is sound
    with pytest.raises(DegenerateDirection) as caught:
        ResidualAdd(directions="per-layer").intervene(way)
    says(caught)


def test_a_missing_direction_is_an_error_that_names_its_layer(says):
    way = steering(raw=RAW[:, :2])
    with pytest.raises(SteerkitError) as caught:
        ResidualAdd(directions="per-layer").intervene(way)
    says(caught)


def test_directions_of_the_input_of_blocks_are_used_there():
    for kind in (kinds[0] for kinds in OPERATIONS):
        edits = kind().intervene(steering("input", read=classes)).edits
        assert {edit.module for edit in edits} == {"input"}


def test_preserve_norm_is_an_option_of_what_adds_or_takes_away():
    for kind in SITES:
        names = {field.name for field in kind.__attrs_attrs__}
        assert ("preserve_norm" in names) is kind.name.endswith(("add", "ablate"))
        if "preserve_norm" in names:
            for keep in (False, True):
                way = steering(kind().module)
                assert {e.preserve_norm for e in kind(preserve_norm=keep).intervene(way).edits} == {keep}


def test_a_template_without_a_suffix_has_none_to_edit(handles, monkeypatch, says):
    handle = handles("qwen2")
    way = ResidualAdd(tokens="suffix").intervene(steering(raw=torch.ones(1, 3, 32)))
    handle.check(way)
    monkeypatch.setattr(handle, "suffix_length", 0)
    for refusing in (
        lambda: handle.check(way),
        lambda: edits_of_batch(handle, [way], "prompt"),
    ):
        with pytest.raises(ModelError) as caught:
            refusing()
        says(caught)
    edits_of_batch(handle, [way], "generated")
    handle.check(ResidualAdd(tokens="last").intervene(steering(raw=torch.ones(1, 3, 32))))
