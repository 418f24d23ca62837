"""Extractors: `dim`, its relatives `pca`, `subspace`, `logistic` and `lda`, and the control `random`."""

from steerkit_core import Extractor, hookimpl
from steerkit_dim.dim import DifferenceInMeans
from steerkit_dim.lda import LinearDiscriminant
from steerkit_dim.logistic import LogisticRegression
from steerkit_dim.pca import PrincipalComponent
from steerkit_dim.random_direction import RandomDirection
from steerkit_dim.subspace import PrincipalSubspace


@hookimpl
def steerkit_register_extractors() -> list[type[Extractor]]:
    """Bring `dim`, `lda`, `logistic`, `pca`, `random` and `subspace`."""
    return [
        DifferenceInMeans,
        LinearDiscriminant,
        LogisticRegression,
        PrincipalComponent,
        PrincipalSubspace,
        RandomDirection,
    ]
