"""How many directions a contrast set's differences have, and how many of them separate its classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import attrs
from attrs import frozen

from steerkit_core.errors import SteerkitError
from steerkit_core.extraction.source_facts import SourceFacts
from steerkit_core.values import ContrastSet

if TYPE_CHECKING:
    from torch import Tensor

    from steerkit_core.components import Extractor
    from steerkit_core.model.handle import ModelHandle

LEAST_PAIRS = 4
# an AUC this much below that of the whole mean difference counts as the same
SLACK = 0.01


@frozen
class Spectrum:
    """The principal directions of differences, the largest first.

    `shares` are those of the sum of squares; `effective_rank` is the exponential of the entropy of the
    singular values' shares (Roy and Vetterli, 2007), `participation` the squared sum of the squares over
    the sum of their squares. Both are 1 for one direction, and k for k equal ones.
    """

    shares: tuple[float, ...]
    effective_rank: float
    participation: float


@frozen
class Separation:
    """Mean AUC on pairs left out, for directions found without them.

    `first` is that of the mean difference projected on the first `k` principal directions, which is what
    the extractor `subspace` steers with; `alone` that of the k-th by itself; `rest` that of the mean
    difference without the first k: near one half where these carried all.
    """

    k: int
    first: float
    alone: float
    rest: float


@frozen
class Rank:
    """What is known of one layer and position.

    `raw` are the differences themselves, of which their mean is part, `centred` those minus their mean.
    `whole` is the AUC of the mean difference as it is, and `needed` the smallest k at which `first` comes
    within 0.01 of it and stays there; None where it never does.
    """

    layer: int
    position: int
    raw: Spectrum
    centred: Spectrum
    whole: float
    separation: tuple[Separation, ...]
    needed: int | None


@frozen(kw_only=True)
class RankEntry(Rank, SourceFacts):
    """An entry of `rank.json`: what was measured, and its rank."""

    @classmethod
    def joined(cls, facts: SourceFacts, found: Rank) -> RankEntry:
        """The rank of one layer and position, with what it is of."""
        return cls(**facts.fields, **attrs.asdict(found, recurse=False))


@frozen(kw_only=True)
class RankReport:
    """What `rank.json` holds."""

    recipe: str
    folds: int
    seed: int
    ranks: tuple[RankEntry, ...]


def check_pairs(contrast: ContrastSet) -> None:
    """Refuse a set that has no pairs, or too few.

    Raises:
        SteerkitError: which of these, and what to do.
    """
    positive, negative = len(contrast.positive), len(contrast.negative)
    if positive != negative:
        raise SteerkitError(
            f"prompts.contrast: rank needs pairs, the first positive prompt with the first negative one and"
            f" so on, got {positive} positive and {negative} negative prompts: give classes of one size"
        )
    if positive < LEAST_PAIRS:
        raise SteerkitError(
            f"prompts.contrast: rank needs at least {LEAST_PAIRS} pairs to leave some out, got {positive}:"
            " add prompts"
        )


def rank(
    model: ModelHandle,
    extractor: Extractor,
    contrast: ContrastSet,
    layers: Sequence[int],
    components: Sequence[int],
    *,
    folds: int = 5,
    seed: int = 0,
) -> tuple[Rank, ...]:
    """The rank of the pairs' differences where an extractor reads, layer by layer; reads every prompt once.

    Args:
        model: the model.
        extractor: says at which positions and in which module; its direction is not used.
        contrast: the pairs.
        layers: where to look.
        components: how many principal directions to try; those beyond what a fold's pairs can span are
            left out.
        folds: how many parts the pairs are divided into, each left out once.
        seed: of the division.

    Raises:
        SteerkitError: the set has no pairs, or too few.
    """
    check_pairs(contrast)
    positions = extractor.positions_in(model)
    read = model.class_activations(contrast, positions, extractor.module, layers)
    parts = divide(len(contrast.positive), folds, seed)
    most = len(contrast.positive) - max(len(part) for part in parts)
    tried = [k for k in sorted(set(components)) if k <= most]
    return tuple(
        _rank(layer, position, read.at(layer, position), parts, tried)
        for position in positions
        for layer in layers
    )


def divide(pairs: int, folds: int, seed: int) -> list[list[int]]:
    """Indices of pairs, shuffled and dealt to at most as many parts as there are pairs."""
    import numpy as np

    order = np.random.default_rng(seed).permutation(pairs).tolist()
    count = min(folds, pairs)
    return [order[part::count] for part in range(count)]


def _rank(
    layer: int,
    position: int,
    classes: tuple[Tensor, Tensor],
    parts: Sequence[Sequence[int]],
    components: Sequence[int],
) -> Rank:
    positive, negative = classes[0].double(), classes[1].double()
    differences = positive - negative
    whole, separation = _separations(positive, negative, parts, components)
    needed = None
    for found in reversed(separation):
        if found.first < whole - SLACK:
            break
        needed = found.k
    centred = differences - differences.mean(dim=0)
    return Rank(layer, position, spectrum(differences), spectrum(centred), whole, separation, needed)


def spectrum(differences: Tensor) -> Spectrum:
    """The spectrum of differences, (pairs, width), float64, as they are given."""
    import torch

    lengths = torch.linalg.svdvals(differences)
    total = lengths.square().sum()
    if not bool(total > 0):
        return Spectrum((0.0,) * len(lengths), 0.0, 0.0)
    p = lengths / lengths.sum()
    entropy = -torch.special.xlogy(p, p).sum()
    squares = lengths.square()
    return Spectrum(
        tuple((squares / total).tolist()),
        float(entropy.exp()),
        float(total.square() / squares.square().sum()),
    )


def _separations(
    positive: Tensor, negative: Tensor, parts: Sequence[Sequence[int]], components: Sequence[int]
) -> tuple[float, tuple[Separation, ...]]:
    """Means over the parts left out: the AUC of the mean difference, and those of each k."""
    import torch

    wholes: list[float] = []
    rows: list[list[tuple[float, float, float]]] = []
    for part in parts:
        kept = torch.ones(len(positive), dtype=torch.bool)
        kept[list(part)] = False
        differences = (positive - negative)[kept]
        mean = differences.mean(dim=0)
        axes = torch.linalg.svd(differences, full_matrices=False)[2]
        axes = axes * torch.where(axes @ mean < 0, -1.0, 1.0)[:, None]
        left = (positive[~kept], negative[~kept])
        wholes.append(auc(*left, mean))
        row = []
        for k in components:
            inside = axes[:k].T @ (axes[:k] @ mean)
            row.append((auc(*left, inside), auc(*left, axes[k - 1]), auc(*left, mean - inside)))
        rows.append(row)
    means = torch.tensor(rows, dtype=torch.float64).reshape(len(parts), len(components), 3).mean(dim=0)
    found = tuple(Separation(k, *numbers) for k, numbers in zip(components, means.tolist(), strict=True))
    return sum(wholes) / len(wholes), found


def auc(positive: Tensor, negative: Tensor, axis: Tensor) -> float:
    """The share of (positive, negative) in which the positive lies further along an axis; ties are half."""
    gaps = (positive @ axis)[:, None] - (negative @ axis)[None, :]
    return float(((gaps > 0).double() + 0.5 * (gaps == 0).double()).mean())
