"""Rates, comparisons and what may be said of them: small pure functions on scipy and statsmodels.

The unit is the unique prompt: `fold` first, then count.
"""

from steerkit_core.stats.agreement import Kappa, cohen_kappa, fleiss_kappa
from steerkit_core.stats.bootstrap import Ratio, paired_ratio
from steerkit_core.stats.clusters import clustered_wilson, effective_size, intraclass_correlation
from steerkit_core.stats.estimate import CONFIDENCE, Estimate, Rate
from steerkit_core.stats.families import holm
from steerkit_core.stats.folding import fold
from steerkit_core.stats.independent import fisher, newcombe
from steerkit_core.stats.paired import PairedCounts, mcnemar, newcombe_paired
from steerkit_core.stats.rates import cohens_h, wilson
from steerkit_core.stats.shares import independent_difference, paired_difference, sign_flip
from steerkit_core.stats.trend import Trend, cochran_armitage
from steerkit_core.stats.winner import Optimism, optimism

__all__ = [
    "CONFIDENCE",
    "Estimate",
    "Kappa",
    "Optimism",
    "PairedCounts",
    "Rate",
    "Ratio",
    "Trend",
    "clustered_wilson",
    "cochran_armitage",
    "cohen_kappa",
    "cohens_h",
    "effective_size",
    "fisher",
    "fleiss_kappa",
    "fold",
    "holm",
    "independent_difference",
    "intraclass_correlation",
    "mcnemar",
    "newcombe",
    "newcombe_paired",
    "optimism",
    "paired_difference",
    "paired_ratio",
    "sign_flip",
    "wilson",
]
