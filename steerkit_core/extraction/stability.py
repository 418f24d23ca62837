"""How far a direction depends on the prompts that it was found with."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, cast

import attrs
from attrs import frozen

from steerkit_core.errors import SteerkitError
from steerkit_core.extraction.source_facts import SourceFacts
from steerkit_core.model.cached_activations import RememberingSources, remembering
from steerkit_core.values import ContrastSet, DirectionSet

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from steerkit_core.components import Extractor, Sources
    from steerkit_core.model.handle import ModelHandle

Kind = Literal["halves", "bootstrap", "independent"]
KINDS: tuple[Kind, ...] = ("halves", "bootstrap", "independent")

# the line between a robust direction and a fragile one in Mohammad, 2026
THRESHOLD = 0.95
# the middle 95 percent of the draws
QUANTILES = (0.025, 0.975)


@frozen
class Point:
    """Cosines of one kind at one size, layer and position, over the draws.

    `low` and `high` bound the middle 95 percent of the draws; the draws share prompts, so that this is
    their spread and no confidence interval. `doubled` is there for halves: what `mean` would be with twice
    as many prompts, by Spearman and Brown. `dead` draws had a direction of length zero or not finite and
    are in no number; where all had, the numbers are None.
    """

    kind: Kind
    size: int
    draws: int
    mean: float | None
    median: float | None
    low: float | None
    high: float | None
    doubled: float | None = None
    dead: int = 0


@frozen
class Curve:
    """The points of one layer and position, and the sizes at which each kind reaches a threshold.

    `reached` has the smallest size from which on the mean stays at the threshold, or None. `predicted` is
    the size at which two halves would reach it, from the largest size measured; None where their cosine is
    not positive, or nothing was measured.
    """

    layer: int
    position: int
    points: tuple[Point, ...]
    reached: Mapping[Kind, int | None]
    predicted: int | None


@frozen(kw_only=True, slots=False)
class ComparedFacts(SourceFacts):
    """The facts of an entry of `stability.json`; `against` is the independent set, None without one."""

    against: str | None


@frozen(kw_only=True)
class StabilityEntry(Curve, ComparedFacts):
    """An entry of `stability.json`: what was measured, and its curve."""

    @classmethod
    def joined(cls, facts: SourceFacts, against: str | None, curve: Curve) -> StabilityEntry:
        """The curve of one layer and position, with what it is of."""
        return cls(**facts.fields, against=against, **attrs.asdict(curve, recurse=False))


@frozen(kw_only=True)
class StabilityReport:
    """What `stability.json` holds."""

    recipe: str
    resamples: int
    seed: int
    threshold: float
    curves: tuple[StabilityEntry, ...]


@frozen
class Draws:
    """How often to draw, of which sizes, and from which seed."""

    sizes: tuple[int, ...]
    resamples: int = 50
    seed: int = 0


def default_sizes(contrast: ContrastSet) -> tuple[int, ...]:
    """Powers of two up to the smaller class, with that class's size and half of it."""
    most = largest(contrast)
    powers = itertools.takewhile(lambda size: size <= most, (2**k for k in itertools.count(1)))
    return tuple(sorted({*powers, most // 2, most} - {0}))


def largest(contrast: ContrastSet) -> int:
    """The number of prompts in the smaller class."""
    return min(len(contrast.positive), len(contrast.negative))


def check_draws(draws: Draws, contrast: ContrastSet, against: ContrastSet | None) -> None:
    """Refuse sizes larger than the set, and two sets that share prompts.

    Raises:
        SteerkitError: which of these, and what to do.
    """
    most = largest(contrast)
    for size in draws.sizes:
        if not 1 <= size <= most:
            raise SteerkitError(
                f"--sizes: expected numbers of prompts from 1 to {most}, as many as the smaller class of"
                f" {contrast.name!r} has, got {size}"
            )
    if against is None:
        return
    texts = [{p.text for p in (*one.positive, *one.negative)} for one in (contrast, against)]
    shared = len(texts[0] & texts[1])
    if shared:
        raise SteerkitError(
            f"--against: {shared} prompts of {against.name!r} are in {contrast.name!r} too, so that the two"
            " are not independent: name a set of other prompts"
        )


def stability(
    model: ModelHandle,
    extractor: Extractor,
    contrast: ContrastSet,
    draws: Draws,
    layers: Sequence[int],
    *,
    sources: Sources | None = None,
    against: ContrastSet | None = None,
    threshold: float = THRESHOLD,
    say: Callable[[str], None] = lambda _text: None,
) -> tuple[Curve, ...]:
    """Cosines of an extractor's directions between resamples of a contrast set, layer by layer.

    A size is a number of prompts of each class. `halves` are two draws without a prompt in common, at sizes
    of which the set holds two; `bootstrap` is a draw with repeats, against the direction of the whole set;
    `independent` a draw from this set against one from another. Where the classes are of one size their
    prompts are drawn as pairs, which extractors that work on pairs need.

    Every prompt is read once in every model, whatever the number of draws. `sources` is where an extractor
    finds what lies outside of the model; one that needs nothing does without.

    Raises:
        SteerkitError: sizes larger than the set, a set too small for the extractor, or directions that do
            not depend on a contrast set.
    """
    check_draws(draws, contrast, against)
    if sources is not None and extractor.origin(model, sources).get("run"):
        raise SteerkitError(
            f"extractor {extractor.name!r} takes directions of a run or a file, which do not depend on"
            f" {contrast.name!r}: give a recipe that finds them"
        )
    reader = remembering(model)
    known = None if sources is None else RememberingSources(sources)

    def directions_of(drawn: ContrastSet) -> DirectionSet:
        if known is None:
            return extractor.extract(reader, drawn, tuple(layers))
        return extractor.extract_with(reader, drawn, tuple(layers), cast("Sources", known))

    def found(drawn: ContrastSet, size: int) -> DirectionSet:
        try:
            return directions_of(drawn)
        except SteerkitError as error:
            raise SteerkitError(f"--sizes: {size} of each class: {error}") from error

    say(f"reading {contrast.name}")
    whole = directions_of(contrast)
    measured: list[tuple[Kind, int, Tensor]] = []
    for size in sorted(set(draws.sizes)):
        for kind in KINDS:
            pairs = _drawn(kind, size, contrast, against, draws)
            if pairs:
                say(f"{kind}, {size} of each class: {len(pairs)} draws")
                cosines = [
                    _cosines(found(one, size), whole if other is None else found(other, size))
                    for one, other in pairs
                ]
                measured.append((kind, size, _stack(cosines)))
    return tuple(
        _curve(layer, position, [(k, n, table[:, row, column]) for k, n, table in measured], threshold)
        for row, position in enumerate(whole.positions)
        for column, layer in enumerate(whole.layers)
    )


def spearman_brown(cosine: float, times: float) -> float:
    """The cosine of two independent estimates from `times` as many prompts each.

    With d = m + e, where e has mean zero and a variance that falls as 1 / n, the expected cosine of two
    estimates is close to |m|^2 / (|m|^2 + v / n), which is the reliability of a test of length n: Spearman
    and Brown (1910) give r -> k r / (1 + (k - 1) r).
    """
    return times * cosine / (1 + (times - 1) * cosine)


def size_for(cosine: float, size: int, threshold: float) -> int | None:
    """The size at which Spearman and Brown's formula reaches a threshold, from a cosine at one size."""
    if not cosine > 0 or threshold >= 1:
        return None
    if cosine >= 1:
        return 1
    return max(1, math.ceil(size * threshold * (1 - cosine) / (cosine * (1 - threshold)) - 1e-9))


def _drawn(
    kind: Kind, size: int, contrast: ContrastSet, against: ContrastSet | None, draws: Draws
) -> list[tuple[ContrastSet, ContrastSet | None]]:
    """Pairs of sets to compare; None stands for the whole set. Other sizes do not change them."""
    import numpy as np

    generator = np.random.default_rng([draws.seed, KINDS.index(kind), size])
    if kind == "bootstrap":
        return [(_repeated(contrast, size, generator), None) for _ in range(draws.resamples)]
    if kind == "halves":
        if 2 * size > largest(contrast):
            return []
        return [tuple(_apart(contrast, size, 2, generator)) for _ in range(draws.resamples)]  # type: ignore[misc]  # reason: two parts were asked for
    if against is None or size > largest(against):
        return []
    everything = all({len(s.positive), len(s.negative)} == {size} for s in (contrast, against))
    return [
        (next(_apart(contrast, size, 1, generator)), next(_apart(against, size, 1, generator)))
        for _ in range(1 if everything else draws.resamples)
    ]


def _apart(
    contrast: ContrastSet, size: int, parts: int, generator: np.random.Generator
) -> Iterator[ContrastSet]:
    """Parts of a set, drawn without a prompt in common; as pairs where the classes are of one size."""
    count = (len(contrast.positive), len(contrast.negative))
    first = generator.permutation(count[0])
    second = first if count[0] == count[1] else generator.permutation(count[1])
    for part in range(parts):
        cut = slice(part * size, (part + 1) * size)
        yield _chosen(contrast, first[cut], second[cut])


def _repeated(contrast: ContrastSet, size: int, generator: np.random.Generator) -> ContrastSet:
    count = (len(contrast.positive), len(contrast.negative))
    first = generator.integers(count[0], size=size)
    second = first if count[0] == count[1] else generator.integers(count[1], size=size)
    return _chosen(contrast, first, second)


def _chosen(contrast: ContrastSet, positive: Any, negative: Any) -> ContrastSet:
    return ContrastSet(
        contrast.name,
        tuple(contrast.positive[int(index)] for index in positive),
        tuple(contrast.negative[int(index)] for index in negative),
    )


def _cosines(one: DirectionSet, other: DirectionSet) -> Tensor:
    """Cosines, (positions, layers), float64; NaN where a direction is of length zero or not finite."""
    import torch

    cosines = (one.units.double() * other.units.double()).sum(dim=-1)
    norms = torch.stack([one.raw_norms, other.raw_norms])
    alive = (torch.isfinite(norms) & (norms != 0)).all(dim=0)
    # units are rounded to float32, which leaves a cosine a little above one
    return torch.where(alive, cosines.clamp(-1, 1), torch.nan)


def _stack(tables: Sequence[Tensor]) -> Tensor:
    import torch

    return torch.stack(list(tables))


def _curve(
    layer: int, position: int, measured: Sequence[tuple[Kind, int, Tensor]], threshold: float
) -> Curve:
    points = tuple(_point(kind, size, cosines) for kind, size, cosines in measured)
    by_kind = {kind: [point for point in points if point.kind == kind] for kind in KINDS}
    reached = {kind: _reached(ordered, threshold) for kind, ordered in by_kind.items() if ordered}
    halves = by_kind["halves"]
    mean = halves[-1].mean if halves else None
    predicted = None if mean is None else size_for(mean, halves[-1].size, threshold)
    return Curve(layer, position, points, reached, predicted)


def _point(kind: Kind, size: int, cosines: Tensor) -> Point:
    import torch

    alive = cosines[~torch.isnan(cosines)]
    dead = len(cosines) - len(alive)
    if not len(alive):
        return Point(kind, size, 0, None, None, None, None, dead=dead)
    mean = float(alive.mean())
    middle, low, high = alive.quantile(torch.tensor([0.5, *QUANTILES], dtype=alive.dtype)).tolist()
    doubled = spearman_brown(mean, 2) if kind == "halves" and mean > 0 else None
    return Point(kind, size, len(alive), mean, middle, low, high, doubled, dead)


def _reached(points: Sequence[Point], threshold: float) -> int | None:
    """The smallest size from which on the mean stays at the threshold."""
    size = None
    for point in reversed(points):
        if point.mean is None or point.mean < threshold:
            break
        size = point.size
    return size
