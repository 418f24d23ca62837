"""Several tests at once."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """Each p-value adjusted for its family, by Holm's step-down method.

    Rejecting what is at most alpha then rejects a true hypothesis of the family with a probability of at
    most alpha, however the tests depend on each other; Holm (1979), Scandinavian Journal of Statistics 6,
    65-70.
    """
    if len(p_values) < 2:  # nothing to adjust, and statsmodels takes a while to import
        return list(p_values)
    from statsmodels.stats.multitest import multipletests

    return [float(p) for p in multipletests(list(p_values), method="holm")[1]]
