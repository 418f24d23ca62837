"""What the paper says of its numbers, put to one test on its own counts and on ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from attrs import field, frozen

from steerkit_core import SteerkitError, cochran_armitage
from steerkit_paper.measures import chance_cosine
from steerkit_paper.pack.figures import Figure, difference, points
from steerkit_paper.pack.mapping import Trial

Outcome = Literal["holds", "does not hold", "open", "no numbers"]
ALPHA = 0.05


@frozen(kw_only=True)
class Arm:
    """A number that a claim is about, and the row that it stands in.

    `ties` belong to a layer, as depths; `width` to a cosine, the number of components of the directions;
    `texts` to a rate of ours, what was written for each prompt.
    """

    row: str
    figure: Figure
    ties: tuple[float, ...] = ()
    width: int | None = None
    texts: Mapping[str, str] = field(factory=dict, repr=False)


@frozen(kw_only=True)
class Finding:
    """What a test says, and the numbers that it rests on."""

    outcome: Outcome
    numbers: str


def try_claim(claim: Trial, arms: Mapping[str, Arm]) -> Finding:
    """Put a claim to its test; `arms` are those of its cells that have numbers, by their ids."""
    if claim.test not in TESTS:
        raise SteerkitError(f"{claim.id}: no test {claim.test!r} (known: {', '.join(TESTS)})")
    return TESTS[claim.test](claim, arms)


def _all_of(claim: Trial, arms: Mapping[str, Arm]) -> list[Arm] | None:
    found = [arms[name] for name in claim.about if name in arms]
    return found if len(found) == len(claim.about) else None


def _missing() -> Finding:
    return Finding(outcome="no numbers", numbers="")


def _higher(claim: Trial, arms: Mapping[str, Arm]) -> Finding:
    """The first rate is above the second, by `least` if that is given."""
    pair = _all_of(claim, arms)
    if pair is None:
        return _missing()
    first, second = (arm.figure for arm in pair)
    found = difference(first, second)
    texts = f"{_share(first)} against {_share(second)}"
    if found is None:
        apart = first.value - second.value
        return Finding(outcome="holds" if apart > 0 else "does not hold", numbers=f"{texts}; no n is given")
    texts += f", {points(found)}"
    if found.low > 0:
        return Finding(outcome="holds", numbers=texts)
    return Finding(outcome="does not hold" if found.high < claim.least else "open", numbers=texts)


def _same(claim: Trial, arms: Mapping[str, Arm]) -> Finding:
    """The two rates are not shown to differ."""
    pair = _all_of(claim, arms)
    if pair is None:
        return _missing()
    first, second = (arm.figure for arm in pair)
    found = difference(first, second)
    texts = f"{_share(first)} against {_share(second)}"
    if found is None:
        return Finding(
            outcome="holds" if first.value == second.value else "does not hold",
            numbers=f"{texts}; no n is given",
        )
    texts += f", {points(found)}"
    return Finding(outcome="holds" if found.low <= 0 <= found.high else "does not hold", numbers=texts)


def _falls(claim: Trial, arms: Mapping[str, Arm]) -> Finding:
    """The rates fall along the scores, by Cochran and Armitage; of ours, those that there are."""
    found = [
        (arms[name].figure.counts, score)
        for name, score in zip(claim.about, claim.scores, strict=True)
        if name in arms
    ]
    counted = [(counts, score) for counts, score in found if counts is not None]
    if len(counted) < 2:
        return _missing()
    hits, sizes = zip(*(counts for counts, _ in counted), strict=True)
    trend = cochran_armitage(hits, sizes, [score for _, score in counted])
    numbers = ", ".join(f"{k}/{n}" for (k, n), _ in counted)
    numbers += f"; trend z = {trend.z:.2f}, p = {trend.p:.2g}"
    if trend.p >= ALPHA:
        return Finding(outcome="open", numbers=numbers)
    return Finding(outcome="holds" if trend.z < 0 else "does not hold", numbers=numbers)


def _steerable(claim: Trial, arms: Mapping[str, Arm]) -> Finding:
    """Each rate lies, with its whole interval, on the side of `least` that the pattern says."""
    found = _all_of(claim, arms)
    if found is None:
        return _missing()
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


def _deeper(claim: Trial, arms: Mapping[str, Arm]) -> Finding:
    """The best depth of the first row is deeper than that of the other, ties of the best included."""
    rows: dict[str, set[float]] = {}
    for name in claim.about:
        if name in arms:
            arm = arms[name]
            rows.setdefault(arm.row, set()).update(arm.ties or (arm.figure.depth or 0.0,))
    if len(rows) != 2:
        return _missing()
    first, second = rows.values()
    numbers = "; ".join(
        f"{row} {', '.join(f'{100 * depth:.0f}%' for depth in sorted(depths))}"
        for row, depths in rows.items()
    )
    if min(first) > max(second):
        return Finding(outcome="holds", numbers=numbers)
    return Finding(outcome="does not hold" if max(first) < min(second) else "open", numbers=numbers)


def _at_least(claim: Trial, arms: Mapping[str, Arm]) -> Finding:
    """Every number is at least `least`: with its whole interval, where it has one."""
    found = [arms[name].figure for name in claim.about if name in arms]
    if not found:
        return _missing()
    numbers = ", ".join(_number(figure) for figure in found)
    if all(_ends(figure)[0] >= claim.least for figure in found):
        return Finding(outcome="holds", numbers=numbers)
    below = any(_ends(figure)[1] < claim.least for figure in found)
    return Finding(outcome="does not hold" if below else "open", numbers=numbers)


def _above(claim: Trial, arms: Mapping[str, Arm]) -> Finding:
    """The first number is above the second: the whole interval, where there is one."""
    pair = _all_of(claim, arms)
    if pair is None:
        return _missing()
    first, second = (arm.figure for arm in pair)
    numbers = f"{_number(first)} against {_number(second)}"
    if _ends(first)[0] > _ends(second)[1]:
        return Finding(outcome="holds", numbers=numbers)
    below = _ends(first)[1] < _ends(second)[0]
    return Finding(outcome="does not hold" if below else "open", numbers=numbers)


def _more_alike(claim: Trial, arms: Mapping[str, Arm]) -> Finding:
    """The first cosine is above the second, and beyond what two random directions have."""
    pair = _all_of(claim, arms)
    if pair is None or any(arm.width is None for arm in pair):
        return _missing()
    chances = [chance_cosine(arm.figure.value, arm.width or 0) for arm in pair]
    first, second = (arm.figure.value for arm in pair)
    numbers = " against ".join(
        f"{arm.figure.value:.3f} (p = {chance:.2g} between random directions)"
        for arm, chance in zip(pair, chances, strict=True)
    )
    if chances[0] < ALPHA and first > second:
        return Finding(outcome="holds", numbers=numbers)
    below = chances[1] < ALPHA and first < second
    return Finding(outcome="does not hold" if below else "open", numbers=numbers)


def _identical(claim: Trial, arms: Mapping[str, Arm]) -> Finding:
    """Both arms wrote the same text for every prompt."""
    pair = _all_of(claim, arms)
    if pair is None or not all(arm.texts for arm in pair):
        return _missing()
    first, second = (arm.texts for arm in pair)
    same = sum(second.get(prompt) == text for prompt, text in first.items())
    numbers = f"{same} of {len(first)} texts are the same, letter by letter"
    whole = first.keys() == second.keys() and same == len(first)
    return Finding(outcome="holds" if whole else "does not hold", numbers=numbers)


def _ends(figure: Figure) -> tuple[float, float]:
    low = figure.value if figure.low is None else figure.low
    high = figure.value if figure.high is None else figure.high
    return low, high


def _share(figure: Figure) -> str:
    return f"{100 * figure.value:.0f}%" if figure.counts is None else f"{figure.k}/{figure.n}"


def _number(figure: Figure) -> str:
    if figure.low is None or figure.high is None:
        return f"{figure.value:.3g}"
    return f"{figure.value:.3g} ({figure.low:.3g} to {figure.high:.3g})"


TESTS: dict[str, Callable[[Trial, Mapping[str, Arm]], Finding]] = {
    "higher": _higher,
    "same": _same,
    "falls": _falls,
    "steerable": _steerable,
    "deeper": _deeper,
    "at least": _at_least,
    "above": _above,
    "more alike": _more_alike,
    "identical": _identical,
}
