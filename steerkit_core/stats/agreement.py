"""How far raters agree."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen


@frozen
class Kappa:
    """Agreement beyond chance, 1 where it is perfect and 0 where it is chance's, with an interval."""

    value: float
    low: float
    high: float


def cohen_kappa(table: Sequence[Sequence[int]]) -> Kappa | None:
    """Cohen's kappa of a square table, rows one rater's labels and columns the other's, as counts.

    The 95 percent interval is that of the large-sample standard error (Fleiss, Cohen and Everitt, 1969),
    cut off at -1 and 1. None where both gave one and the same label to everything, or there is nothing:
    chance would agree as well, and kappa is 0 / 0. Where one gave one label to everything, kappa is 0
    whatever the other said, and its interval has no width.
    """
    total = sum(map(sum, table))
    rows, columns = [sum(row) for row in table], [sum(column) for column in zip(*table, strict=True)]
    if total == 0 or any(row == column == total for row, column in zip(rows, columns, strict=True)):
        return None
    import numpy as np
    from statsmodels.stats.inter_rater import cohens_kappa

    # rounding may leave a variance of -1e-17 where it is zero
    with np.errstate(invalid="ignore", divide="ignore"):
        found = cohens_kappa(np.array(table))
    value = float(found.kappa)
    if np.isnan(found.std_kappa):
        return Kappa(value, value, value)
    return Kappa(value, max(-1.0, float(found.kappa_low)), min(1.0, float(found.kappa_upp)))


def fleiss_kappa(counts: Sequence[Sequence[int]]) -> float | None:
    """Fleiss' kappa of more than two raters.

    Args:
        counts: a row for each text, with how many raters gave it each label; all rows have the same sum.

    Returns:
        None where all gave one and the same label to everything, or there is nothing.
    """
    used = [label for label in zip(*counts, strict=True) if any(label)]
    if len(used) < 2:
        return None
    from statsmodels.stats import inter_rater

    return float(inter_rater.fleiss_kappa(list(map(list, counts))))
