"""What other prompts of the same kind might have given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from attrs import frozen

from steerkit_core.stats.estimate import CONFIDENCE

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray

RESAMPLES = 10_000


@frozen
class Ratio:
    """A ratio of two rates with a bootstrap interval.

    `value` is None where the denominator is 0. `low` and `high` are None where it was 0 in more than a
    fortieth of the resamples together with the numerator, so that there is no interval. `degenerate` says
    that all resamples gave one number, as they do where every prompt had the label in both arms: the
    interval then has no width, and says nothing.
    """

    value: float | None
    low: float | None
    high: float | None
    degenerate: bool


def paired_ratio(
    numerator: Sequence[float],
    denominator: Sequence[float],
    *,
    seed: int,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
) -> Ratio:
    """The ratio of two rates on the same prompts, such as the transfer efficiency.

    Prompts are drawn with replacement, the same for both arms, and the interval is that of the percentiles;
    Efron and Tibshirani (1993), An Introduction to the Bootstrap, 13.3.

    Args:
        numerator: for each prompt, 1 where the label was given, else 0.
        denominator: the same of the other arm, prompts in the same order.
        seed: of the draws.
        resamples: how many.
        confidence: of the interval.

    Raises:
        ValueError: the arms are not of one length.
    """
    import numpy as np

    if len(numerator) != len(denominator):
        raise ValueError(f"arms of {len(numerator)} and {len(denominator)} prompts are not paired")
    if not len(numerator) or not sum(denominator):
        return Ratio(None, None, None, degenerate=True)
    weights = resampled(len(numerator), resamples, seed)
    above, below = weights @ np.asarray(numerator, float), weights @ np.asarray(denominator, float)
    defined = (above > 0) | (below > 0)
    with np.errstate(divide="ignore"):
        ratios = above[defined] / below[defined]
    tail = (1 - confidence) / 2
    value = sum(numerator) / sum(denominator)
    if 1 - defined.mean() > tail:
        return Ratio(value, None, None, degenerate=False)
    # one of the resamples rather than a number between two, which may be infinite
    low, high = np.quantile(ratios, [tail, 1 - tail], method="inverted_cdf")
    return Ratio(value, float(low), float(high), degenerate=bool(ratios.min() == ratios.max()))


def resampled(prompts: int, resamples: int, seed: int) -> NDArray[float64]:
    """How often each prompt was drawn: shape (resamples, prompts), each row with the sum `prompts`."""
    import numpy as np

    drawn = np.random.default_rng(seed).multinomial(prompts, np.full(prompts, 1 / prompts), resamples)
    return drawn.astype(np.float64)
