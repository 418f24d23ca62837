"""Calibrator `kl`: the strength at which next-token distributions move by a given KL divergence.

The search is a bisection over all strengths wanted at once, so that a sweep over layers costs as many
rounds of forward passes as one layer does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from attrs import define, frozen

from steerkit_core.errors import SteerkitError
from steerkit_core.files.fingerprints import fingerprint
from steerkit_core.recipe.options import GenerationOptions
from steerkit_core.recipe.prompts import fingerprint as prompts_fingerprint
from steerkit_core.recipe.recipe import Setting
from steerkit_core.results.rows import CalibrationRow
from steerkit_core.results.run_directory import RunDirectory
from steerkit_core.steering.cell_columns import CellModel
from steerkit_core.steering.cells import Source, steering_of
from steerkit_core.values import Intervention, Prompt, Trial

if TYPE_CHECKING:
    from torch import Tensor

    from steerkit_core.model.handle import ModelHandle

DIGITS = 6  # of a multiplier that was found; more would be noise in a report
STEP = 2.0  # by which a multiplier grows or shrinks until the target lies between two
LARGEST = 32.0  # times the first guess and the residual stream, from which on nothing is looked for
ROUNDS = 60
FIRST_SHARE = 0.1  # of the residual stream, added as the first guess

Measure = Callable[[Sequence[tuple[int, float]]], Sequence[float]]


@frozen
class Wanted:
    """A target in nats, and where to look for it.

    `first` is the multiplier that is tried first, `largest` the one beyond which nothing is looked for;
    `what` names it in messages.
    """

    target: float
    first: float
    largest: float
    what: str


@frozen
class Found:
    """The multiplier and the KL divergence that it has, in nats."""

    multiplier: float
    achieved: float


@define
class _Bracket:
    """What is known of one wanted strength: multipliers with too little and with too much."""

    wanted: Wanted
    tried: float
    low: float | None = None
    high: float | None = None
    strongest: tuple[float, float] = (-1.0, 0.0)  # the largest KL and its multiplier
    weakest: tuple[float, float] = (math.inf, 0.0)
    found: Found | None = None

    def learn(self, kl: float, tolerance: float) -> None:
        """Take in what was measured at `tried`; numbers that overflowed are too strong."""
        wanted = self.wanted
        if math.isfinite(kl):
            self.strongest, self.weakest = (
                max(self.strongest, (kl, self.tried)),
                min(self.weakest, (kl, self.tried)),
            )
            if abs(kl - wanted.target) <= tolerance * wanted.target:
                self.found = Found(self.tried, kl)
                return
        if math.isfinite(kl) and kl < wanted.target:
            self.low = self.tried
        else:
            self.high = self.tried
        self.tried = _rounded(self._next())

    def _next(self) -> float:
        """Between the two, on a logarithmic scale, or further out on the side that is missing.

        Raises:
            SteerkitError: that side has no end, or nothing lies between the two.
        """
        wanted = self.wanted
        if self.high is None and self.low is not None:
            if self.low >= _rounded(wanted.largest):
                raise SteerkitError(
                    f"{wanted.what}: the mean KL reaches at most {self.strongest[0]:.3g} nats, at"
                    f" multiplier {self.strongest[1]:g}, expected {wanted.target:g}: choose a lower target"
                )
            return min(self.low * STEP, wanted.largest)
        if self.low is None and self.high is not None:
            smaller = self.high / STEP
            if smaller < wanted.first * STEP**-40:
                reached = (
                    "is not finite"
                    if not math.isfinite(self.weakest[0])
                    else f"is at least {self.weakest[0]:.3g} nats"
                )
                raise SteerkitError(
                    f"{wanted.what}: the mean KL {reached} at every multiplier, expected {wanted.target:g}:"
                    " choose a higher target"
                )
            return smaller
        low, high = self.low or 0.0, self.high or 0.0
        middle = math.sqrt(low * high)
        if _rounded(middle) in (low, high):
            raise SteerkitError(
                f"{wanted.what}: the mean KL jumps over {wanted.target:g} nats at multiplier {middle:.3g}:"
                " choose another target or a larger tolerance"
            )
        return middle


def solve(wanted: Sequence[Wanted], measure: Measure, tolerance: float) -> list[Found]:
    """Find the multipliers whose KL divergence is within `tolerance` of the target, as a share of it.

    Bisection on the logarithm of the multiplier, between one with less and one with more. The divergence
    need not grow with the multiplier everywhere: what is found has the target in any case.

    Args:
        wanted: the targets.
        measure: called with (index into `wanted`, multiplier) of all that are still looked for; gives the
            KL divergence of each, in nats, which may not be finite.
        tolerance: share of the target.

    Raises:
        SteerkitError: a target cannot be reached.
    """
    brackets = [_Bracket(one, _rounded(min(one.first, one.largest))) for one in wanted]
    for _ in range(ROUNDS):
        open_ones = [index for index, bracket in enumerate(brackets) if bracket.found is None]
        if not open_ones:
            break
        found = measure([(index, brackets[index].tried) for index in open_ones])
        for index, kl in zip(open_ones, found, strict=True):
            brackets[index].learn(kl, tolerance)
    missing = next((bracket for bracket in brackets if bracket.found is None), None)
    if missing is not None:
        raise SteerkitError(
            f"{missing.wanted.what}: no multiplier found in {ROUNDS} rounds: choose a larger tolerance"
        )
    return [bracket.found for bracket in brackets if bracket.found is not None]


def bounds_of(unit: Intervention, stream: float) -> tuple[float, float]:
    """The first guess for a multiplier, and the largest that is looked for.

    A tenth of the residual stream, and 32 times its length, where the site says how long what it adds is.

    Args:
        unit: the intervention with multiplier 1.
        stream: mean length of the residual stream at the layer.
    """
    if not unit.strength:
        return 1.0, LARGEST
    return FIRST_SHARE * stream / unit.strength, LARGEST * stream / unit.strength


@frozen(eq=False)
class Plain:
    """What the baseline makes of prompts: the beginning of each answer, and the logits along it.

    `answers` are token ids, and `logits`, (length of the answer + 1, vocabulary), those of its tokens and
    of the next.
    """

    prompts: Sequence[Prompt]
    answers: Sequence[tuple[int, ...]]
    logits: Sequence[Tensor]


def plain_answers(model: ModelHandle, prompts: Sequence[Prompt], tokens: int) -> Plain:
    """What the baseline writes greedily, so far that `tokens` tokens of it are predicted."""
    from steerkit_core.generation import Row, generate
    from steerkit_core.generation.teacher_forcing import logits_along

    answers: list[tuple[int, ...]] = [()] * len(prompts)
    if tokens > 1:
        rows = [Row(prompt, Intervention()) for prompt in prompts]
        for index, written in generate(model, rows, GenerationOptions(max_new_tokens=tokens - 1)):
            answers[index] = written.token_ids
    found = logits_along(model, [(prompt, Intervention()) for prompt in prompts], answers)
    logits = {index: one.cpu() for index, one in found}
    return Plain(prompts, answers, [logits[index] for index in range(len(prompts))])


def divergences(model: ModelHandle, plain: Plain, interventions: Sequence[Intervention]) -> list[float]:
    """Mean KL(plain || steered) over the tokens of each answer and over prompts, in nats.

    One for each intervention, under which the plain answers are read as if they had been written.
    """
    from steerkit_core.generation import kl_divergence
    from steerkit_core.generation.teacher_forcing import logits_along

    number = len(plain.prompts)
    rows = [(prompt, way) for way in interventions for prompt in plain.prompts]
    found = [0.0] * len(rows)
    for index, steered in logits_along(model, rows, [*plain.answers] * len(interventions)):
        own = plain.logits[index % number].to(steered.device)
        found[index] = float(kl_divergence(own, steered).mean())
    return [sum(found[start : start + number]) / number for start in range(0, len(rows), number)]


@frozen(eq=False)
class Search:
    """The strengths that a setting's recipe has searched, kept in the run by all that they depend on."""

    model: ModelHandle
    cell_model: CellModel
    store: RunDirectory
    setting: Setting
    source: Source

    def missing(self, trials: Sequence[Trial]) -> dict[str, Trial]:
        """The trials whose strength the run does not hold yet, by key."""
        keyed = {self._key(trial): trial for trial in trials}
        return {key: trial for key, trial in keyed.items() if key not in self.store.calibrations}

    def known(self, trials: Sequence[Trial]) -> list[CalibrationRow]:
        """The kept row of each trial."""
        return [self.store.calibrations[self._key(trial)] for trial in trials]

    def run(self, missing: Mapping[str, Trial]) -> None:
        """Find the strengths of all these trials together, and keep them.

        Raises:
            SteerkitError: a target cannot be reached.
        """
        trials, neutral = list(missing.values()), self.setting.contrast.negative
        wanted = [
            Wanted(
                self._target(trial),
                *bounds_of(self._way(trial, 1.0), self.source.residual_norms[trial.layer]),
                f"calibration at layer {trial.layer}, position {trial.position}",
            )
            for trial in trials
        ]
        options = self.setting.calibration
        plain = plain_answers(self.model, neutral, options.tokens)

        def measure(asked: Sequence[tuple[int, float]]) -> list[float]:
            ways = [self._way(trials[index], multiplier) for index, multiplier in asked]
            return divergences(self.model, plain, ways)

        found = solve(wanted, measure, options.tolerance)
        for (key, trial), one in zip(missing.items(), found, strict=True):
            self.store.append_calibration(
                CalibrationRow(
                    key=key,
                    use=options.use,
                    layer=trial.layer,
                    position=trial.position,
                    target=self._target(trial),
                    tokens=options.tokens,
                    multiplier=one.multiplier,
                    achieved=one.achieved,
                )
            )

    def _target(self, trial: Trial) -> float:
        """The trial's multiplier, which is a target here, else the recipe's."""
        return self.setting.calibration.target if trial.multiplier is None else trial.multiplier

    def _way(self, trial: Trial, multiplier: float) -> Intervention:
        steering = steering_of(self.cell_model, self.setting, trial, self.source, multiplier)
        found = self.setting.site.intervene(steering)
        self.model.check(found)
        return found

    def _key(self, trial: Trial) -> str:
        options = self.setting.calibration
        # one token was what all runs looked at before there was a choice
        more = {"tokens": options.tokens} if options.tokens > 1 else {}
        return fingerprint(
            more
            | {
                "model": dict(self.cell_model.identity),
                "steering": dict(self.source.identity),
                "prompts": prompts_fingerprint(self.setting.contrast.negative),
                "use": options.use,
                "tolerance": options.tolerance,
                "place": [trial.layer, trial.position],
                "target": self._target(trial),
            }
        )


def _rounded(multiplier: float) -> float:
    return float(f"{multiplier:.{DIGITS}g}")
