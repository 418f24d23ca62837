"""How much of the winner's rate is selection bias (winner's curse)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from attrs import frozen

from steerkit_core.stats.bootstrap import resampled

if TYPE_CHECKING:
    from numpy import bool_, float64
    from numpy.typing import NDArray

RESAMPLES = 1000


@frozen
class Optimism:
    """`rate` is the winner's on the prompts it was chosen on, `corrected` what it may be on others."""

    candidates: int
    prompts: int
    resamples: int
    rate: float
    corrected: float

    @property
    def optimism(self) -> float:
        """The winner's selection bias."""
        return self.rate - self.corrected


def optimism(
    candidates: Sequence[Sequence[float]], *, seed: int, resamples: int = RESAMPLES
) -> Optimism | None:
    """By how much choosing the highest of several rates overstates the winner's.

    Prompts are drawn with replacement, the choice is made again on those drawn, and the winner is measured
    on those that were not: the leave-one-out bootstrap of Efron (1983), Journal of the American Statistical
    Association 78, 316-331. Candidates that share the highest rate are taken in equal parts.

    Efron's other estimate, the rate on the drawn prompts minus that on all, corrects only half to three
    quarters of the bias where candidates are about equally good: drawn prompts repeat the chance
    differences of the first choice.

    Args:
        candidates: for each candidate, and each prompt in the same order, 1 where the label was given, 0
            where another was, and NaN where there is no verdict.
        seed: of the draws.
        resamples: how many.

    Returns:
        None where there is nothing to choose from, or no prompt is ever left to measure on.
    """
    import numpy as np

    labels = np.asarray(candidates, float)
    if labels.ndim != 2 or len(labels) < 2 or not labels.shape[1]:
        return None
    known = ~np.isnan(labels)
    if not known.any(axis=1).all():
        return None
    labels = np.where(known, labels, 0.0)
    weights = resampled(labels.shape[1], resamples, seed)
    drawn, _ = _rates(weights, labels, known)
    chosen = np.isclose(drawn, drawn.max(axis=1, keepdims=True), rtol=0, atol=1e-12)
    held, measured = _rates((weights == 0).astype(float), labels, known)
    shares = chosen & measured
    usable = shares.any(axis=1)
    if not usable.any():
        return None
    rates = (shares * held)[usable].sum(axis=1) / shares[usable].sum(axis=1)
    apparent = labels.sum(axis=1) / known.sum(axis=1)
    return Optimism(
        len(labels), labels.shape[1], resamples, float(apparent.max()), min(float(rates.mean()), 1.0)
    )


def _rates(
    weights: NDArray[float64], labels: NDArray[float64], known: NDArray[bool_]
) -> tuple[NDArray[float64], NDArray[bool_]]:
    """Each candidate's rate under each row of weights, and where it has one; it is -1 elsewhere."""
    import numpy as np

    judged = weights @ known.T
    return np.where(judged > 0, weights @ labels.T / np.maximum(judged, 1), -1.0), judged > 0
