"""Claims about layers, cosines and transfer efficiencies: each test takes a claim and its arms."""

from __future__ import annotations

from collections.abc import Mapping

from steerkit_paper.measures import chance_cosine
from steerkit_paper.pack.arms import ALPHA, Arm, Finding, all_of, missing
from steerkit_paper.pack.figures import Figure
from steerkit_paper.pack.mapping import Trial


def deeper(claim: Trial, arms: Mapping[str, Arm]) -> Finding:
    """The best depth of the first row is deeper than that of the other, ties of the best included."""
    rows: dict[str, set[float]] = {}
    for name in claim.about:
        if name in arms:
            arm = arms[name]
            rows.setdefault(arm.row, set()).update(arm.ties or (arm.figure.depth or 0.0,))
    if len(rows) != 2:
        return missing()
    first, second = rows.values()
    numbers = "; ".join(
        f"{row} {', '.join(f'{100 * depth:.0f}%' for depth in sorted(depths))}"
        for row, depths in rows.items()
    )
    if min(first) > max(second):
        return Finding(outcome="holds", numbers=numbers)
    return Finding(outcome="does not hold" if max(first) < min(second) else "open", numbers=numbers)


def at_least(claim: Trial, arms: Mapping[str, Arm]) -> Finding:
    """Every number is at least `least`: with its whole interval, where it has one."""
    found = [arms[name].figure for name in claim.about if name in arms]
    if not found:
        return missing()
    numbers = ", ".join(_number(figure) for figure in found)
    if all(_ends(figure)[0] >= claim.least for figure in found):
        return Finding(outcome="holds", numbers=numbers)
    below = any(_ends(figure)[1] < claim.least for figure in found)
    return Finding(outcome="does not hold" if below else "open", numbers=numbers)


def above(claim: Trial, arms: Mapping[str, Arm]) -> Finding:
    """The first number is above the second: the whole interval, where there is one."""
    pair = all_of(claim, arms)
    if pair is None:
        return missing()
    first, second = (arm.figure for arm in pair)
    numbers = f"{_number(first)} against {_number(second)}"
    if _ends(first)[0] > _ends(second)[1]:
        return Finding(outcome="holds", numbers=numbers)
    below = _ends(first)[1] < _ends(second)[0]
    return Finding(outcome="does not hold" if below else "open", numbers=numbers)


def more_alike(claim: Trial, arms: Mapping[str, Arm]) -> Finding:
    """The first cosine is above the second, and beyond what two random directions have."""
    pair = all_of(claim, arms)
    if pair is None or any(arm.width is None for arm in pair):
        return missing()
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


def _ends(figure: Figure) -> tuple[float, float]:
    low = figure.value if figure.low is None else figure.low
    high = figure.value if figure.high is None else figure.high
    return low, high


def _number(figure: Figure) -> str:
    if figure.low is None or figure.high is None:
        return f"{figure.value:.3g}"
    return f"{figure.value:.3g} ({figure.low:.3g} to {figure.high:.3g})"
