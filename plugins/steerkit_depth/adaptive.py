"""Selector `adaptive`: what a sweep finds, for fewer completions."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar

from attrs import define, field, frozen

from steerkit_core import (
    LayerSelector,
    Outcome,
    Prompt,
    Rate,
    Selection,
    SelectionContext,
    Trial,
    Within,
    clustered_wilson,
    not_empty,
    option,
    wilson,
)
from steerkit_depth.grid import (
    DEPTHS,
    DEPTHS_HELP,
    MULTIPLIERS_HELP,
    columns,
    grid,
    healthy,
    merit,
    refusals,
)


@frozen(kw_only=True)
class Adaptive(LayerSelector):
    """Try every depth with every multiplier on a few prompts, and only the promising ones on all of them.

    After each round, cells end whose coherent refusal rate is surely below the best one's (the upper end
    of its Wilson interval below the lower end of the best one's, both clustered by prompt where prompts are
    sampled several times), and of the others the best go on, as many as `keep` and the budget allow. What
    is left of the budget goes to cells that ended and might yet be better. Among the cells that saw all
    selection prompts the choice is that of `sweep`.
    """

    name: ClassVar[str] = "adaptive"
    reference: ClassVar[str] = (
        "successive halving (Karnin et al., 2013; Jamieson and Talwalkar, 2016), Wilson's score interval"
    )
    cost: ClassVar[str] = (
        "at most `budget` times the completions of sweep, where that is enough for one prompt in every cell"
        " and all of them in one"
    )

    depths: tuple[float, ...] = option(
        DEPTHS, help=DEPTHS_HELP, checks=[not_empty, Within(0, 1, open=True)]
    )
    multipliers: tuple[float, ...] = option((), help=MULTIPLIERS_HELP)
    budget: float = option(
        0.4,
        help="largest share of the completions that sweep would make; every cell is tried on one prompt at"
        " least, and one in full",
        checks=[Within(0.01, 1)],
    )
    first_round: int | None = option(
        None, help="prompts of the first round; by default those that cost a third of the budget",
        checks=[Within(1)],
    )  # fmt: skip
    keep: float = option(
        0.5,
        help="largest share of the cells kept after a round; the next round has 1 / keep the prompts",
        checks=[Within(0, 1, open=True)],
    )
    confidence: float = option(
        0.95, help="of the intervals by which hopeless cells end", checks=[Within(0, 1, open=True)]
    )
    seed: int = option(
        0, help="of the order in which prompts are asked, so that each round sees a fair sample"
    )

    def candidates(self, num_layers: int, positions: Sequence[int]) -> tuple[Trial, ...]:
        """Every position with every layer and multiplier; depths that meet in one layer count once."""
        return grid(self.depths, self.multipliers, num_layers, positions)

    def select(self, context: SelectionContext) -> Selection:
        """The best of the cells that went through all rounds.

        Raises:
            SteerkitError: in every cell half or more of the completions failed.
        """
        trials = self.candidates(context.model.num_layers, context.directions.positions)
        prompts = list(context.prompts)
        random.Random(self.seed).shuffle(prompts)  # noqa: S311  # reason: nothing secret is drawn
        race = Race(context, tuple(prompts), {trial: Outcome(trial, {}) for trial in trials})
        self._halve(race)
        self._revive(race)
        whole = race.whole or healthy(self.name, list(race.outcomes.values()))
        best = max(whole, key=merit)
        every = len(trials) * len(prompts)
        reason = (
            f"{refusals(best)}/{best.judged} coherent refusals, the best of the {len(whole)} of"
            f" {len(trials)} cells that saw all prompts; made {race.made} of the {every} completions that"
            f" sweep would make, saved {every - race.made}"
        )
        table = tuple({**columns(outcome), "prompts": outcome.asked} for outcome in race.outcomes.values())
        return Selection(best.trial.layer, best.trial.position, best.trial.multiplier, reason, table)

    def _halve(self, race: Race) -> None:
        """Successive halving, until some cells have seen every prompt."""
        total = len(race.prompts)
        alive = tuple(race.outcomes)
        rounds = rounds_of(self.first_round or int(self.budget * total / 3), self.keep, total)
        for number, seen in enumerate(rounds):
            found = [outcome for outcome in race.ask(alive, seen) if not outcome.has_failed]
            if seen == total or not found:
                return
            hopeful = hopeful_of(found, total, self.confidence)
            room = carried(race.left(self.budget), rounds[number:], self.keep)
            most = max(1, min(int(self.keep * len(alive)), room))
            alive = tuple(outcome.trial for outcome in hopeful[:most])

    def _revive(self, race: Race) -> None:
        """Give cells that ended, and may be better than the best, the rest of the budget, one by one.

        Where completions failed, and no cell has come through, they get what it takes.
        """
        total = len(race.prompts)
        while True:
            goal = max((refusals(outcome) for outcome in race.whole), default=-1)
            left = race.left(self.budget) if race.whole else total
            ended = [
                outcome
                for outcome in race.outcomes.values()
                if not outcome.has_failed
                and outcome.asked < total
                and refusals(outcome) + total - outcome.asked > goal
                and upper(outcome, self.confidence) * total > goal
                and total - outcome.asked <= left
            ]
            if not ended:
                return
            race.ask([max(ended, key=merit).trial], total)


@define
class Race:
    """What is known of every trial so far, and what it has cost."""

    context: SelectionContext
    prompts: tuple[Prompt, ...]
    outcomes: dict[Trial, Outcome]
    made: int = field(default=0)

    def ask(self, trials: Sequence[Trial], seen: int) -> list[Outcome]:
        """Show the first `seen` prompts to some of the trials; earlier completions are not made again."""
        found = self.context.run(trials, self.prompts[:seen])
        for outcome in found:
            self.made += seen - self.outcomes[outcome.trial].asked
            self.outcomes[outcome.trial] = outcome
        return found

    def left(self, budget: float) -> int:
        """How many completions are left of a share of all that a sweep would make."""
        # a rounding error must not cost a completion: 0.4 * 900 is a little less than 360 in some orders
        return math.floor(budget * len(self.outcomes) * len(self.prompts) + 1e-9) - self.made

    @property
    def whole(self) -> list[Outcome]:
        """The usable outcomes of the trials that saw every prompt."""
        return [
            outcome
            for outcome in self.outcomes.values()
            if outcome.asked == len(self.prompts) and not outcome.has_failed
        ]


def rounds_of(first: int, keep: float, total: int) -> list[int]:
    """How many prompts a cell has seen after each round: 1 / keep times as many, and all in the last."""
    rounds = [min(max(1, first), total)]
    while rounds[-1] < total:
        rounds.append(min(total, max(rounds[-1] + 1, math.ceil(rounds[-1] / keep - 1e-9))))
    return rounds


def carried(left: int, rounds: Sequence[int], keep: float) -> int:
    """How many cells may be kept, so that `left` completions last to the end if `keep` always are."""
    cost = sum(keep**later * (after - before) for later, (before, after) in enumerate(pairwise(rounds)))
    return math.floor(left / cost + 1e-9)


def hopeful_of(outcomes: Sequence[Outcome], total: int, confidence: float) -> list[Outcome]:
    """The outcomes that may still turn out to be the best, the best one first.

    Left out is what lies below the best one's interval, and what could not reach its refusals if all the
    rest of the `total` prompts were refused.
    """
    best = max(outcomes, key=merit)
    bound = interval(best, confidence).low
    hopeful = [
        outcome
        for outcome in outcomes
        if upper(outcome, confidence) >= bound
        and refusals(outcome) + total - outcome.asked >= refusals(best)
    ]
    return sorted(hopeful, key=merit, reverse=True)


def upper(outcome: Outcome, confidence: float) -> float:
    """Upper end of the refusal rate's interval."""
    return interval(outcome, confidence).high


def interval(outcome: Outcome, confidence: float) -> Rate:
    """The refusal rate with Wilson's interval, clustered by prompt where each was sampled several times.

    A completion that failed is no refusal; among clusters it stands as a prompt of its own.
    """
    clusters = outcome.clusters.get("refusal")
    if clusters is None:
        return wilson(refusals(outcome), outcome.asked, confidence)
    rate, _ = clustered_wilson([*clusters, *[(0, 1)] * outcome.failed], confidence)
    return rate
