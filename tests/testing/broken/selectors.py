"""Layer selectors that each break one promise."""

import itertools

from attrs import frozen

from steerkit_core import LayerSelector, Selection, Trial
from steerkit_core.testing import LayerSelectorContract

COUNTER = itertools.count()
REASON = "because"


def choosing(choose, trials=lambda _num_layers, _positions: ()):
    @frozen(kw_only=True)
    class Given(LayerSelector):
        """A selector whose choice a test has given."""

        name = "given"

        def trials(self, num_layers, positions):
            return trials(num_layers, positions)

        def select(self, context):
            return choose(context)

    return Given


def last_trial(_num_layers, positions):
    return (Trial(0, positions[-1]),)


def run_last(context):
    context.run(last_trial(0, context.directions.positions))
    return Selection(0, -1, reason=REASON)


class TestUnbroken(LayerSelectorContract):
    component = choosing(run_last, last_trial)
    fails = ()


class TestLayerTooFarInARecipe(LayerSelectorContract):
    component = choosing(lambda c: Selection(c.model.num_layers, -1, reason=REASON))
    fails = (
        "test_it_chooses_a_layer_of_the_model",
        "test_failed_trials_are_survived_or_explained",
        "test_a_recipe_can_use_it",
    )


class TestNoInteger(LayerSelectorContract):
    component = choosing(lambda c: Selection(c.model.num_layers / 2, -1, reason=REASON))
    fails = ("test_it_chooses_a_layer_of_the_model", "test_failed_trials_are_survived_or_explained")


class TestPositionThatNobodyRead(LayerSelectorContract):
    component = choosing(lambda _: Selection(1, -9, reason=REASON))
    fails = ("test_it_chooses_a_layer_of_the_model", "test_failed_trials_are_survived_or_explained")


class TestNoReason(LayerSelectorContract):
    component = choosing(lambda _: Selection(1, -1))
    fails = ("test_it_says_why",)


class TestTableWithANumberThatIsNone(LayerSelectorContract):
    component = choosing(lambda _: Selection(1, -1, reason=REASON, table=({"score": float("nan")},)))
    fails = ("test_it_says_why", "test_it_chooses_the_same_layer_again")


class TestMoody(LayerSelectorContract):
    component = choosing(lambda _: Selection(next(COUNTER) % 2, -1, reason=REASON))
    fails = ("test_it_chooses_the_same_layer_again",)


class TestTrialOutside(LayerSelectorContract):
    component = choosing(run_last, lambda num_layers, _: (Trial(0, -1), Trial(num_layers, -1)))
    fails = ("test_its_trials_lie_within_the_model", "test_it_runs_what_it_announced")


class TestSameTrialTwice(LayerSelectorContract):
    component = choosing(run_last, lambda *_: (Trial(0, -1), Trial(0, -1)))
    fails = ("test_its_trials_lie_within_the_model",)


class TestAnnouncedInVain(LayerSelectorContract):
    component = choosing(lambda _: Selection(0, -1, reason=REASON), last_trial)
    fails = ("test_it_runs_what_it_announced",)


def by_share(context):
    (outcome,) = context.run([Trial(0, -1)])
    return Selection(0, -1, reason=f"{outcome.counts['refusal'] / outcome.judged:.0%}")


class TestDividesByZero(LayerSelectorContract):
    component = choosing(by_share)
    fails = ("test_failed_trials_are_survived_or_explained",)
