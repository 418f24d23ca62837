"""Selector `separation`: where the two classes are told apart best, on prompts that were held out."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar

from attrs import frozen

from steerkit_core import (
    ContrastSet,
    DegenerateDirection,
    LayerSelector,
    Selection,
    SelectionContext,
    SteerkitError,
    Within,
    option,
)

if TYPE_CHECKING:
    from torch import Tensor

FEWEST = 3  # of a class; with two, one is left to fit and one to test
MOST_FOLDS = 10


@frozen
class Separability:
    """How well held-out prompts of two classes are told apart along a direction.

    `auc` is the share of pairs, one prompt of each class, in which the positive one lies higher (a tie
    counts half), `d_prime` the distance of the means in units of the root mean variance, `accuracy` the
    share on the right side of the middle between the means of the prompts that the direction was fitted on.
    """

    auc: float
    d_prime: float
    accuracy: float


@frozen(kw_only=True)
class Separation(LayerSelector):
    """Steer where held-out prompts of the two classes are told apart best; nothing is generated.

    Where `prompts.validation` names two classes, the extractor's own directions are tried on them.
    Elsewhere those have seen every prompt, so that a mean difference is fitted anew without each part of
    the contrast set and tried on that part, and what is measured is the place and not the extractor. The
    highest area under the ROC curve wins. Where classes are easy to tell apart it is 1 at many places: then
    d', the distance of the classes in units of their spread, decides, and then the earlier layer.
    """

    name: ClassVar[str] = "separation"
    reference: ClassVar[str] = "area under the ROC curve (Hanley and McNeil, 1982); d' of signal detection"
    cost: ClassVar[str] = "a forward pass for each contrast prompt, and for each validation prompt"

    above: float = option(0.0, help="shallowest depth that may be chosen", checks=[Within(0, 1)])
    below: float = option(
        0.8, help="depth that the chosen one is smaller than; later layers have little left to steer",
        checks=[Within(0, 1)],
    )  # fmt: skip
    folds: int | None = option(
        None,
        help="parts of the contrast set that are held out in turn; by default one for each prompt of the"
        f" smaller class, at most {MOST_FOLDS}",
        checks=[Within(2)],
    )
    seed: int = option(0, help="of the parts that prompts are dealt to")

    def check_prompts(self, contrast: ContrastSet, validation: ContrastSet) -> None:
        """Refuse a class too small to be held out, or to be dealt to so many folds."""
        if validation != contrast:
            _fewest(validation)
        else:
            self._folds(contrast)

    def select(self, context: SelectionContext) -> Selection:
        """The place with the best separation.

        Raises:
            SteerkitError: a class has too few prompts, no layer lies within the depths, or none has a
                direction of any length.
        """
        layers = self._layers(context)
        self.check_prompts(context.contrast, context.validation)
        if context.validation != context.contrast:
            measured = f"on {context.validation.name}"
            found = self._validated(context, layers)
        else:
            folds = self._folds(context.contrast)
            measured = f"held out in {folds} parts of {context.contrast.name}"
            found = self._refitted(context, layers, folds)
        places = {place: score for place, score in found if _usable(context, *place)}
        if not places:
            raise SteerkitError(
                f"separation has nothing to choose from: no direction at the layers {layers[0]} to"
                f" {layers[-1]} has a length that is finite and more than 0; both prompt classes look the"
                " same there, or the activations overflowed"
            )
        layer, position = max(places, key=lambda place: _merit(place, places[place]))
        best = places[layer, position]
        reason = f"AUC {best.auc:.3f}, d' {best.d_prime:.2f} {measured}, the best of {len(places)} places"
        table = tuple(_row(place, score) for place, score in places.items())
        return Selection(layer, position, reason=reason, table=table)

    def _layers(self, context: SelectionContext) -> list[int]:
        total = context.model.num_layers
        found = [
            layer for layer in context.directions.layers if self.above * total <= layer < self.below * total
        ]
        if not found:
            raise SteerkitError(
                f"separation has no layer to choose from: none of {total} layers lies from depth"
                f" {self.above:g} to below {self.below:g}; set selector.above and selector.below farther"
                " apart"
            )
        return found

    def _folds(self, contrast: ContrastSet) -> int:
        fewest = _fewest(contrast)
        if self.folds is None:
            return min(fewest, MOST_FOLDS)
        if self.folds > fewest:
            raise SteerkitError(
                f"separation cannot deal {fewest} prompts to {self.folds} parts: the smaller class of"
                f" {contrast.name} has no more; set selector.folds to at most {fewest}"
            )
        return self.folds

    def _validated(
        self, context: SelectionContext, layers: Sequence[int]
    ) -> Iterator[tuple[tuple[int, int], Separability]]:
        """The extractor's own directions, on prompts that it has not seen."""
        directions, model = context.directions, context.model
        tested = model.class_activations(
            context.validation, directions.positions, directions.module, layers
        )
        means = model.mean_activations(
            (context.contrast.positive, context.contrast.negative), directions.positions, directions.module
        )
        for row, position in enumerate(directions.positions):
            for layer in layers:
                column = directions.layers.index(layer)
                unit = directions.units[row, column].double()
                middle = means[:, row, layer].mean(dim=0)
                positive, negative = tested.at(layer, position)
                scores = [(side.double() - middle) @ unit for side in (positive, negative)]
                yield (layer, position), separability(*scores)

    def _refitted(
        self, context: SelectionContext, layers: Sequence[int], folds: int
    ) -> Iterator[tuple[tuple[int, int], Separability]]:
        """Mean differences fitted without each part, on that part."""
        directions = context.directions
        found = context.model.class_activations(
            context.contrast, directions.positions, directions.module, layers
        )
        dealt = [
            deal(len(side), folds, self.seed)
            for side in (context.contrast.positive, context.contrast.negative)
        ]
        for position in directions.positions:
            for layer in layers:
                sides = [side.double() for side in found.at(layer, position)]
                yield (layer, position), separability(*held_out_scores(sides, dealt))


def deal(prompts: int, folds: int, seed: int) -> list[int]:
    """Which part each prompt is held out in: shuffled, and the parts of equal size or one apart."""
    parts = [number % folds for number in range(prompts)]
    random.Random(seed).shuffle(parts)  # noqa: S311  # reason: nothing secret is drawn
    return parts


def held_out_scores(sides: Sequence[Tensor], dealt: Sequence[Sequence[int]]) -> list[Tensor]:
    """Where prompts lie along a mean difference that was fitted without them.

    Args:
        sides: activations of the positive and the negative class, (prompts, width), float64.
        dealt: for each class, the part in which each prompt is held out.

    Returns:
        For each class, (prompts,): the distance from the middle between the two means of the other parts,
        along their difference, so that scores of different parts can be compared.
    """
    import torch

    scores = [side.new_zeros(len(side)) for side in sides]
    parts = [torch.tensor(list(numbers)) for numbers in dealt]
    for part in sorted(set(dealt[0])):
        means = [side[numbers != part].mean(dim=0) for side, numbers in zip(sides, parts, strict=True)]
        difference = means[0] - means[1]
        # no length: nothing is told apart, and all scores are 0
        unit = difference / difference.norm().clamp_min(1e-300)
        for score, side, numbers in zip(scores, sides, parts, strict=True):
            score[numbers == part] = (side[numbers == part] - (means[0] + means[1]) / 2) @ unit
    return scores


def separability(positive: Tensor, negative: Tensor) -> Separability:
    """How well two classes of scores, each (prompts,), are told apart."""
    higher = (positive[:, None] > negative).double() + 0.5 * (positive[:, None] == negative).double()
    spread = ((positive.var() + negative.var()) / 2).sqrt()
    distance = positive.mean() - negative.mean()
    # scores that do not spread at all are those of a direction without length
    right = int((positive > 0).sum()) + int((negative < 0).sum())
    return Separability(
        auc=float(higher.mean()),
        d_prime=float(distance / spread) if float(spread) else 0.0,
        accuracy=right / (len(positive) + len(negative)),
    )


def _fewest(contrast: ContrastSet) -> int:
    """Size of the smaller class.

    Raises:
        SteerkitError: it is too small to say anything of prompts that were held out.
    """
    sizes = contrast.sizes
    if min(sizes) < FEWEST:
        raise SteerkitError(
            f"separation needs at least {FEWEST} prompts in each class, and {contrast.name} has"
            f" {sizes[0]} positive and {sizes[1]} negative; add prompts, or choose selector 'depth'"
        )
    return min(sizes)


def _usable(context: SelectionContext, layer: int, position: int) -> bool:
    with suppress(DegenerateDirection):
        context.directions.at(layer, position)
        return True
    return False


def _merit(place: tuple[int, int], score: Separability) -> tuple[float, float, int, int]:
    layer, position = place
    # sums of halves and thirds must not make a difference where there is none
    return round(score.auc, 9), round(score.d_prime, 9), -layer, position


def _row(place: tuple[int, int], score: Separability) -> dict[str, object]:
    layer, position = place
    return {
        "layer": layer,
        "position": position,
        "auc": score.auc,
        "d_prime": score.d_prime,
        "accuracy": score.accuracy,
    }
