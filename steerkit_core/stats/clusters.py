"""Rates of sampled completions, of which each prompt has several."""

from __future__ import annotations

from collections.abc import Sequence

from steerkit_core.stats.estimate import CONFIDENCE, Rate
from steerkit_core.stats.rates import wilson_of_share


def clustered_wilson(
    clusters: Sequence[tuple[int, int]], confidence: float = CONFIDENCE
) -> tuple[Rate, float]:
    """Find the rate over all completions, with Wilson's interval at their effective number.

    Completions of one prompt agree more than those of different prompts, and count for less:
    n_eff = n / (1 + (m - 1) icc), m being the completions per prompt as Kish (1965), Survey Sampling, 8.2,
    weighs them, sum m_i^2 / n. Dean and Pagano (2015), Evaluating confidence interval methods for binomial
    proportions in clustered surveys, J. Survey Statistics and Methodology 3, 484-503, recommend Wilson's
    interval at n_eff. As the correlation is itself estimated from few prompts, n_eff is multiplied by
    (z / t)^2, t having one degree of freedom less than there are prompts, as by Korn and Graubard (1998),
    Survey Methodology 24, 193-201, but is never less than the number of prompts. With one completion for
    each prompt this is `wilson`.

    Args:
        clusters: for each prompt how many of its completions have the label, and how many there are.
        confidence: of the interval.

    Returns:
        The rate, whose k and n count completions, and n_eff.
    """
    known = [(k, m) for k, m in clusters if m]
    k, n = sum(found for found, _ in known), sum(size for _, size in known)
    effective = effective_size(known, confidence)
    low, high = wilson_of_share(k / n if n else 0.0, effective, confidence)
    return Rate(k, n, k / n if n else 0.0, low, high), effective


def effective_size(clusters: Sequence[tuple[int, int]], confidence: float = CONFIDENCE) -> float:
    """How many independent completions say as much as these; see `clustered_wilson`."""
    prompts, n = len(clusters), sum(size for _, size in clusters)
    if n == prompts or prompts < 2:
        return float(prompts)
    from scipy.stats import norm, t

    typical = sum(size * size for _, size in clusters) / n
    inflation = 1 + (typical - 1) * intraclass_correlation(clusters)
    tail = (1 + confidence) / 2
    doubt = float(norm.ppf(tail) / t.ppf(tail, prompts - 1)) ** 2
    return max(n / inflation * doubt, float(prompts))


def intraclass_correlation(clusters: Sequence[tuple[int, int]]) -> float:
    """How much completions of one prompt agree: 0 not at all, 1 always.

    The estimate of an analysis of variance, (MSB - MSW) / (MSB + (m0 - 1) MSW), cut to 0 and 1; Ridout,
    Demetrio and Firth (1999), Estimating intraclass correlation for binary data, Biometrics 55, 137-148.
    Where all completions have the label, or none, nothing can be told, and the worst is taken: 1.
    """
    sizes = [size for _, size in clusters]
    prompts, n, k = len(clusters), sum(sizes), sum(found for found, _ in clusters)
    if k in (0, n) or n == prompts or prompts < 2:
        return 1.0
    between_squares = sum(found * found / size for found, size in clusters)
    between = (between_squares - k * k / n) / (prompts - 1)
    within = (k - between_squares) / (n - prompts)
    usual = (n - sum(size * size for size in sizes) / n) / (prompts - 1)
    return min(max((between - within) / (between + (usual - 1) * within), 0.0), 1.0)
