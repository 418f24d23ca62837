"""Extractors that each break one promise; `fails` names the tests that must notice, and no other may."""

from attrs import define, evolve, frozen

from steerkit_core import DirectionSet, Extractor, option
from steerkit_core.testing import ExtractorContract


@frozen(kw_only=True)
class Means(Extractor):
    """A difference of means that keeps every promise."""

    name = "means"
    position: int = option(-1, help="token that is read")

    def extract(self, model, contrast, layers):
        classes = (contrast.positive, contrast.negative)
        positive, negative = model.mean_activations(classes, self.positions)
        return DirectionSet.from_raw((positive - negative)[:, list(layers)], self.positions, tuple(layers))


class TestUnbroken(ExtractorContract):
    component = Means
    fails = ()


@frozen(kw_only=True)
class Long(Means):
    """Directions of length two."""

    def extract(self, model, contrast, layers):
        found = super().extract(model, contrast, layers)
        return evolve(found, units=found.units * 2)


class TestLong(ExtractorContract):
    component = Long
    fails = ("test_units_are_finite_and_of_length_one",)


@frozen(kw_only=True)
class NotANumber(Means):
    """NaN at layer 2."""

    def extract(self, model, contrast, layers):
        found = super().extract(model, contrast, layers)
        if 2 in layers:
            found.units[:, list(layers).index(2)] = float("nan")
        return found


class TestNotANumber(ExtractorContract):
    component = NotANumber
    fails = (
        "test_units_are_finite_and_of_length_one",
        "test_the_same_input_gives_the_same_directions",
        "test_the_sign_points_from_negative_to_positive",
        "test_swapping_the_classes_turns_it_round",
    )


@frozen(kw_only=True)
class Flat(Means):
    """Units without the axis of positions."""

    def extract(self, model, contrast, layers):
        found = super().extract(model, contrast, layers)
        return evolve(found, units=found.units[0])


class TestFlatInARecipe(ExtractorContract):
    component = Flat
    fails = (
        "test_it_answers_for_every_layer_and_position",
        "test_a_layer_does_not_depend_on_the_others",
        "test_a_recipe_can_use_it",
    )


@frozen(kw_only=True)
class Double(Means):
    """Units in float64."""

    def extract(self, model, contrast, layers):
        found = super().extract(model, contrast, layers)
        return evolve(found, units=found.units.double())


class TestDouble(ExtractorContract):
    component = Double
    fails = ("test_units_are_float32_on_the_cpu",)


@frozen(kw_only=True)
class Backwards(Means):
    """From positive to negative."""

    def extract(self, model, contrast, layers):
        found = super().extract(model, contrast, layers)
        return evolve(found, units=-found.units)


class TestBackwards(ExtractorContract):
    component = Backwards
    fails = ("test_the_sign_points_from_negative_to_positive",)


@frozen(kw_only=True)
class Random(Means):
    """A random direction, without a seed, that claims to have a sign."""

    def extract(self, model, contrast, layers):
        import torch

        raw = torch.randn(1, len(layers), model.hidden_size)
        # away from the positive class, as half of all random directions point, so that it fails every time
        units = super().extract(model, contrast, layers).units
        along = (raw * units).sum(dim=-1, keepdim=True)
        raw -= (along + along.abs() + 0.1) * units
        return DirectionSet.from_raw(raw, self.positions, tuple(layers))


class TestRandom(ExtractorContract):
    component = Random
    fails = (
        "test_a_layer_does_not_depend_on_the_others",
        "test_the_same_input_gives_the_same_directions",
        "test_the_sign_points_from_negative_to_positive",
        "test_swapping_the_classes_turns_it_round",
    )


@frozen(kw_only=True)
class Deaf(Means):
    """Always the last token, whatever the option says."""

    def extract(self, model, contrast, layers):
        return Means().extract(model, contrast, layers)


class TestDeaf(ExtractorContract):
    component = Deaf
    fails = ("test_the_option_position_is_heeded",)


@frozen(kw_only=True)
class AllLayers(Means):
    """Every layer, whatever was asked for."""

    def extract(self, model, contrast, layers):
        return super().extract(model, contrast, range(model.num_layers))


class TestAllLayers(ExtractorContract):
    component = AllLayers
    fails = ("test_a_layer_does_not_depend_on_the_others",)


@frozen(kw_only=True)
class Untidy(Means):
    """Leaves a hook behind."""

    def extract(self, model, contrast, layers):
        model.blocks[0].register_forward_hook(lambda *_: None)
        return super().extract(model, contrast, layers)


class TestUntidy(ExtractorContract):
    component = Untidy
    fails = ("test_it_leaves_the_model_as_it_was",)


@frozen(kw_only=True)
class Trainer(Means):
    """Changes a weight."""

    def extract(self, model, contrast, layers):
        found = super().extract(model, contrast, layers)
        model.model.lm_head.weight.data += 1
        return found


class TestTrainer(ExtractorContract):
    component = Trainer
    fails = ("test_it_leaves_the_model_as_it_was",)


@define(kw_only=True)
class Mutable(Extractor):
    """An attrs class that is not frozen."""

    name = "mutable"

    def extract(self, model, contrast, layers):
        return Means().extract(model, contrast, layers)


class TestMutable(ExtractorContract):
    component = Mutable
    fails = ("test_it_is_frozen_and_hashable",)
