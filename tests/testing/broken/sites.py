"""Sites that each break one promise."""

from attrs import frozen

from steerkit_core import Condition, Edit, Intervention, Site, option
from steerkit_core.testing import SiteContract


def editing(make):
    @frozen(kw_only=True)
    class Given(Site):
        """A site whose edits a test has given."""

        name = "given"
        multiplier: float = option(1.0, help="length")

        def intervene(self, steering):
            return make(steering)

    return Given


def ablating(make):
    @frozen(kw_only=True)
    class Given(Site):
        """A site without a multiplier."""

        name = "given"

        def intervene(self, steering):
            return make(steering)

    return Given


def clamping(neutral):
    @frozen(kw_only=True)
    class Given(Site):
        """A site that sets the projection to its multiplier."""

        name = "given"
        multiplier: float = option(1.0, help="what the projection becomes")

        @property
        def neutral_multiplier(self):
            return neutral

        def intervene(self, steering):
            unit = steering.direction.unit
            return Intervention((Edit(steering.layer, add=shift(steering), unit=unit, gain=1.0),))

    return Given


def under(**changes):
    def make(steering):
        unit = steering.direction.unit
        given = {"unit": unit, "layer": steering.layer, "position": -1, "threshold": 0.5} | changes
        return Intervention((Edit(steering.layer, unit=unit, gain=1.0),), condition=Condition(**given))

    return ablating(make)


def shift(steering):
    return steering.direction.unit * steering.multiplier


class TestUnbroken(SiteContract):
    component = editing(lambda s: Intervention((Edit(s.layer, add=shift(s)),), strength=s.multiplier))
    fails = ()


class TestLayerTooFar(SiteContract):
    component = editing(
        lambda s: Intervention(
            (Edit(s.layer, add=shift(s)), Edit(s.num_layers, add=shift(s))), strength=s.multiplier
        )
    )
    fails = (
        "test_it_edits_layers_that_exist",
        "test_its_edits_can_be_compiled",
        "test_the_same_steering_gives_the_same_edits",
        "test_its_neutral_multiplier_leaves_the_stream_as_it_was",
        "test_it_steers_by_its_multiplier_or_by_none",
        "test_it_steers",
    )


class TestNarrow(SiteContract):
    component = editing(lambda s: Intervention((Edit(s.layer, add=shift(s)[:-1]),), strength=s.multiplier))
    fails = (
        "test_its_vectors_fit_and_are_finite",
        "test_its_edits_can_be_compiled",
        "test_its_strength_is_the_length_of_what_it_adds",
        "test_the_same_steering_gives_the_same_edits",
        "test_its_neutral_multiplier_leaves_the_stream_as_it_was",
        "test_it_steers_by_its_multiplier_or_by_none",
        "test_it_steers",
    )


class TestLongUnit(SiteContract):
    component = ablating(lambda s: Intervention((Edit(s.layer, unit=2 * s.direction.unit, gain=1.0),)))
    fails = ("test_its_vectors_fit_and_are_finite",)


class TestTwoProjections(SiteContract):
    component = ablating(lambda s: Intervention((Edit(s.layer, unit=s.direction.unit, gain=1.0),) * 2))
    fails = (
        "test_its_edits_can_be_compiled",
        "test_the_same_steering_gives_the_same_edits",
        "test_it_steers_by_its_multiplier_or_by_none",
        "test_it_steers",
    )


class TestNoStrength(SiteContract):
    component = editing(lambda s: Intervention((Edit(s.layer, add=shift(s)),)))
    fails = ("test_its_strength_is_the_length_of_what_it_adds",)


class TestStrengthIsNoLength(SiteContract):
    component = editing(lambda s: Intervention((Edit(s.layer, add=2 * shift(s)),), strength=s.multiplier))
    fails = ("test_its_strength_is_the_length_of_what_it_adds",)


class TestZeroSteers(SiteContract):
    component = editing(lambda s: Intervention((Edit(s.layer, add=s.direction.unit * 2),), strength=2.0))
    fails = (
        "test_its_neutral_multiplier_leaves_the_stream_as_it_was",
        "test_it_steers_by_its_multiplier_or_by_none",
    )


class TestHiddenMultiplier(SiteContract):
    component = ablating(lambda s: Intervention((Edit(s.layer, add=shift(s)),), strength=s.multiplier))
    fails = ("test_it_steers_by_its_multiplier_or_by_none",)


class TestIdle(SiteContract):
    component = editing(lambda _: Intervention())
    fails = ("test_it_steers_by_its_multiplier_or_by_none", "test_it_steers")


class TestUnknownTokens(SiteContract):
    component = editing(
        lambda s: Intervention((Edit(s.layer, add=shift(s)),), tokens="first", strength=s.multiplier)
    )
    fails = (
        "test_its_edits_can_be_compiled",
        "test_it_steers_by_its_multiplier_or_by_none",
        "test_it_steers",
    )


class TestInPlace(SiteContract):
    component = editing(
        lambda s: Intervention(
            (Edit(s.layer, add=s.direction.unit.mul_(s.multiplier)),), strength=s.multiplier
        )
    )
    fails = (
        "test_the_same_steering_gives_the_same_edits",
        "test_it_leaves_the_directions_as_they_were",
    )


class TestUnbrokenClamp(SiteContract):
    component = clamping(None)
    fails = ()


class TestClampThatCallsItselfNeutral(SiteContract):
    component = clamping(0.0)
    fails = ("test_its_neutral_multiplier_leaves_the_stream_as_it_was",)


class TestStrengthOfNothing(SiteContract):
    component = ablating(
        lambda s: Intervention((Edit(s.layer, unit=s.direction.unit, gain=1.0),), strength=2.0)
    )
    fails = ("test_its_strength_is_the_length_of_what_it_adds",)


class TestUnbrokenCondition(SiteContract):
    component = under()
    fails = ()


class TestConditionBehindThePrompt(SiteContract):
    component = under(position=0)
    fails = ("test_its_condition_can_be_read",)


class TestConditionWithoutThreshold(SiteContract):
    component = under(threshold=float("nan"))
    fails = ("test_its_condition_can_be_read",)


class TestConditionTooFar(SiteContract):
    component = under(layer=5)
    fails = ("test_its_condition_can_be_read",)
