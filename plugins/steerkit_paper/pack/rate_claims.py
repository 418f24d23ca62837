"""Claims about rates: each test takes a claim and its arms."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from steerkit_core import Estimate, cochran_armitage
from steerkit_paper.pack.arms import ALPHA, Arm, Finding, Outcome, all_of, missing
from steerkit_paper.pack.figures import Figure, difference, points
from steerkit_paper.pack.mapping import Trial


def higher(claim: Trial, arms: Mapping[str, Arm]) -> Finding:
    """The first rate is above the second, by `least` if that is given."""
    return _compared(
        claim,
        arms,
        lambda apart: apart > 0,
        lambda gap: "holds" if gap.low > 0 else "does not hold" if gap.high < claim.least else "open",
    )


def same(claim: Trial, arms: Mapping[str, Arm]) -> Finding:
    """The two rates are not shown to differ."""
    return _compared(
        claim,
        arms,
        lambda apart: apart == 0,
        lambda gap: "holds" if gap.low <= 0 <= gap.high else "does not hold",
    )


def _compared(
    claim: Trial,
    arms: Mapping[str, Arm],
    of_values: Callable[[float], bool],
    of_counts: Callable[[Estimate], Outcome],
) -> Finding:
    """Two rates: by the interval of their difference, or by their values alone where no n is given."""
    pair = all_of(claim, arms)
    if pair is None:
        return missing()
    first, second = (arm.figure for arm in pair)
    found = difference(first, second)
    texts = f"{_share(first)} against {_share(second)}"
    if found is None:
        holds = of_values(first.value - second.value)
        return Finding(outcome="holds" if holds else "does not hold", numbers=f"{texts}; no n is given")
    return Finding(outcome=of_counts(found), numbers=f"{texts}, {points(found)}")


def falls(claim: Trial, arms: Mapping[str, Arm]) -> Finding:
    """The rates fall along the scores, by Cochran and Armitage; of ours, those that there are."""
    found = [
        (arms[name].figure.counts, score)
        for name, score in zip(claim.about, claim.scores, strict=True)
        if name in arms
    ]
    counted = [(counts, score) for counts, score in found if counts is not None]
    if len(counted) < 2:
        return missing()
    hits, sizes = zip(*(counts for counts, _ in counted), strict=True)
    trend = cochran_armitage(hits, sizes, [score for _, score in counted])
    numbers = ", ".join(f"{k}/{n}" for (k, n), _ in counted)
    numbers += f"; trend z = {trend.z:.2f}, p = {trend.p:.2g}"
    if trend.p >= ALPHA:
        return Finding(outcome="open", numbers=numbers)
    return Finding(outcome="holds" if trend.z < 0 else "does not hold", numbers=numbers)


def steerable(claim: Trial, arms: Mapping[str, Arm]) -> Finding:
    """Each rate lies, with its whole interval, on the side of `least` that the pattern says."""
    found = all_of(claim, arms)
    if found is None:
        return missing()
    figures = [arm.figure for arm in found]
    numbers = ", ".join(f"{arm.row} {_share(arm.figure)}" for arm in found)
    sides = [_side(figure, claim.least) for figure in figures]
    if any(side is not None and side != wanted for side, wanted in zip(sides, claim.pattern, strict=True)):
        return Finding(outcome="does not hold", numbers=numbers)
    return Finding(outcome="open" if None in sides else "holds", numbers=numbers)


def _side(figure: Figure, least: float) -> bool | None:
    if figure.low is not None and figure.low >= least:
        return True
    if figure.high is not None and figure.high < least:
        return False
    return None


def identical(claim: Trial, arms: Mapping[str, Arm]) -> Finding:
    """Both arms wrote the same text for every prompt."""
    pair = all_of(claim, arms)
    if pair is None or not all(arm.texts for arm in pair):
        return missing()
    first, second = (arm.texts for arm in pair)
    same = sum(second.get(prompt) == text for prompt, text in first.items())
    numbers = f"{same} of {len(first)} texts are the same, letter by letter"
    whole = first.keys() == second.keys() and same == len(first)
    return Finding(outcome="holds" if whole else "does not hold", numbers=numbers)


def _share(figure: Figure) -> str:
    return f"{100 * figure.value:.0f}%" if figure.counts is None else f"{figure.k}/{figure.n}"
