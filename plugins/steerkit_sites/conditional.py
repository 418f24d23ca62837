"""Site `conditional`: edit only the prompts that a condition holds for."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import ClassVar, Literal

import attrs
from attrs import evolve, frozen

from steerkit_core import (
    Condition,
    DegenerateDirection,
    Intervention,
    Site,
    Steering,
    SteerkitError,
    TokenSpan,
    Unit,
    Within,
    option,
)
from steerkit_sites.ablate import ResidualAblate
from steerkit_sites.add import ResidualAdd
from steerkit_sites.affine import ResidualAffine
from steerkit_sites.block_site import (
    DIRECTIONS,
    PRESERVE_NORM,
    SPAN,
    TOKENS,
    UNIT,
    BlockSite,
    Directions,
    Span,
)
from steerkit_sites.clamp import ResidualClamp
from steerkit_sites.reflect import ResidualReflect

OPERATIONS: Mapping[str, type[BlockSite]] = {
    "add": ResidualAdd,
    "ablate": ResidualAblate,
    "clamp": ResidualClamp,
    "affine": ResidualAffine,
    "reflect": ResidualReflect,
}


@frozen(kw_only=True)
class Conditional(Site):
    """Edit the residual stream for those prompts only whose projection passes a threshold.

    After conditional activation steering (Lee et al., 2024), which compares a cosine where this compares a
    projection. The condition is read on the prompt before anything is edited, with the direction of one
    layer and position. `threshold = "f1"` chooses, on the contrast set, the midpoint of two neighbouring
    projections above which the positive class is found with the highest F1; of several such the one in the
    widest gap, then the lowest. Every prompt costs one more pass up to the condition's layer, and so does
    every prompt of the contrast set.
    """

    name: ClassVar[str] = "conditional"
    reference: ClassVar[str] = "Lee et al., 2024"
    cost: ClassVar[str] = "one up to the condition's layer for each prompt, one for each contrast prompt"

    operation: Literal["add", "ablate", "clamp", "affine", "reflect"] = option(
        "add", help="what is done to the prompts that pass, as by `residual-add` and so on"
    )
    multiplier: float | None = option(
        None,
        help="strength of add, clamp and affine, in `unit`; by default the family's: 25 for Gemma, else 15",
    )
    unit: Unit = option("absolute", help=UNIT)
    span: Span | None = option(None, help=SPAN)
    directions: Directions = option("selected", help=DIRECTIONS)
    tokens: TokenSpan = option("all", help=TOKENS)
    preserve_norm: bool = option(False, help=PRESERVE_NORM)
    threshold: float | Literal["f1"] = option(
        "f1", help="projection that divides the prompts; f1: the one that best divides the contrast set"
    )
    when: Literal["above", "below"] = option(
        "above", help="above: prompts that project to more than the threshold are edited; below: the others"
    )
    condition_layer: int | None = option(
        None, help="layer whose output is projected; by default the chosen one", checks=[Within(0)]
    )
    condition_depth: float | None = option(
        None,
        help="the same as a share of the model's depth: layer int(L * depth)",
        checks=[Within(0.0, 1.0, open=True)],
    )
    condition_position: int | None = option(
        None,
        help="token that is projected; -1 is the last of the prompt; by default the chosen one",
        checks=[Within(high=-1)],
    )

    def __attrs_post_init__(self) -> None:
        """Refuse options that contradict each other."""
        if self.condition_layer is not None and self.condition_depth is not None:
            raise ValueError("expected condition_layer or condition_depth, got both")
        if self.multiplier is not None and not self.takes_multiplier:
            raise ValueError(
                f"operation {self.operation!r} takes no multiplier, got {self.multiplier:g}: leave it out"
            )
        if self.preserve_norm and self.operation not in ("add", "ablate"):
            raise ValueError(
                f"preserve_norm goes with operation 'add' or 'ablate', got {self.operation!r}: leave it out"
            )

    @property
    def takes_multiplier(self) -> bool:
        """Whether the operation does."""
        return "multiplier" in _options(OPERATIONS[self.operation])

    @property
    def neutral_multiplier(self) -> float | None:
        """That of the operation."""
        return self.edited.neutral_multiplier

    @property
    def edited(self) -> BlockSite:
        """The site that edits what passes."""
        kind = OPERATIONS[self.operation]
        # the multiplier is the steering's, which may be a selector's choice
        shared = {name: getattr(self, name) for name in _options(kind) - {"multiplier"}}
        return kind(**{name: value for name, value in shared.items() if value is not None})

    def intervene(self, steering: Steering) -> Intervention:
        """The operation's edits, under the condition."""
        return evolve(self.edited.intervene(steering), condition=self.condition(steering))

    def condition(self, steering: Steering) -> Condition:
        """Where the prompts are divided, and how well that divides the contrast set.

        Raises:
            SteerkitError: there is no direction where the condition is to be read.
            DegenerateDirection: all prompts of the contrast set project to the same number.
        """
        layer = self._layer(steering)
        position = steering.position if self.condition_position is None else self.condition_position
        try:
            unit = steering.directions.at(layer, position).unit
            classes = steering.classes.at(layer, position)
        except KeyError:
            raise SteerkitError(
                f"site.condition_position: there is no direction at layer {layer}, position {position}"
                f" (positions: {', '.join(map(str, steering.directions.positions))})"
            ) from None
        positive, negative = (sorted((found.double() @ unit.double()).tolist()) for found in classes)
        if self.threshold == "f1":
            threshold = best_threshold(positive, negative)
            if threshold is None:
                raise DegenerateDirection(
                    f"site.threshold: all prompts of the contrast set project to {positive[0]:g} at layer"
                    f" {layer}, position {position}: no threshold divides them"
                )
        else:
            threshold = self.threshold
        made = Condition(unit, layer, position, threshold, self.when, steering.directions.module)
        facts = {
            "f1": f1(positive, negative, threshold),
            "positive": sum(map(made.holds, positive)),
            "negative": sum(map(made.holds, negative)),
        }
        return evolve(made, facts=facts)

    def _layer(self, steering: Steering) -> int:
        if self.condition_depth is not None:
            return int(steering.num_layers * self.condition_depth)
        if self.condition_layer is None:
            return steering.layer
        if self.condition_layer >= steering.num_layers:
            raise SteerkitError(
                f"site.condition_layer: the model has layers 0 to {steering.num_layers - 1}, got layer"
                f" {self.condition_layer}"
            )
        return self.condition_layer


def _options(kind: type[BlockSite]) -> set[str]:
    return {field.name for field in attrs.fields(kind)}


def f1(positive: Sequence[float], negative: Sequence[float], threshold: float) -> float:
    """F1 of the positive class, where what projects to more than the threshold is called positive.

    Both classes are sorted.
    """
    hits = len(positive) - bisect_right(positive, threshold)
    called = hits + len(negative) - bisect_right(negative, threshold)
    return 2 * hits / (len(positive) + called)


def best_threshold(positive: Sequence[float], negative: Sequence[float]) -> float | None:
    """The midpoint of two neighbouring projections with the highest F1; None where all are equal.

    Of several the one in the widest gap, and of these the lowest. Both classes are sorted.
    """
    ranked = sorted({*positive, *negative})
    middles = [((low + high) / 2, high - low) for low, high in pairwise(ranked)]
    found = [(f1(positive, negative, middle), gap, -middle) for middle, gap in middles]
    return -max(found)[2] if found else None
