"""Controls: what a chosen direction has to beat before its rate says anything about the direction.

A control steers at the same site, layer, position and multiplier as the chosen cell, at the same length in
every unit, along another direction: a random one, the one that the extractor finds where the labels of its
prompts are shuffled, or the chosen one with its sign flipped.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from steerkit_core.values import ContrastSet, DirectionSet, Edit, Intervention

if TYPE_CHECKING:
    from torch import Tensor


@frozen
class Control:
    """One control of a chosen cell; `name` is its column in `results.json`.

    `directions` take the place of the chosen ones, and are as long. `identity` says what they were made
    from, beyond the chosen ones and the site.
    """

    name: str
    directions: DirectionSet
    identity: Mapping[str, object]
    extraction: str


def random_directions(found: DirectionSet, seed: int, index: int, parts: int = 1) -> DirectionSet:
    """Random directions in the place of `found`: normal numbers, scaled to the same lengths.

    One is drawn for each layer, by itself and in float64, and serves at all positions; `seed` is the run's
    and `index` tells several apart. `parts` is as in `with_lengths`. Where `found` has axes, as many random
    ones are drawn, the direction among what they span.
    """
    import numpy as np
    import torch

    width = found.units.shape[-1]
    number = 1 if found.axes is None else found.axes.shape[2]
    drawn = torch.from_numpy(
        np.stack(
            [
                np.random.default_rng([seed, index, layer]).standard_normal((number, width))
                for layer in found.layers
            ]
        )
    )
    made = with_lengths(drawn[:, 0].expand(found.units.shape), found, parts)
    if found.axes is None:
        return made
    axes = torch.linalg.qr(drawn.mT)[0].mT.float()
    return evolve(made, axes=axes.expand(found.axes.shape))


def flipped(found: DirectionSet) -> DirectionSet:
    """The same directions with the other sign."""
    return evolve(found, units=-found.units, scores={})


def with_lengths(vectors: Tensor, found: DirectionSet, parts: int = 1) -> DirectionSet:
    """Directions along `vectors`, of the shape of `found.units`, with all lengths of `found`.

    A vector is divided into `parts` of one width, each of which gets the length that it has in `found`: of
    directions over heads side by side the parts are the heads, as a site may use some of them only.
    """
    shape = (*found.units.shape[:-1], parts, -1)
    wide = vectors.double().reshape(shape)
    wanted = found.units.double().reshape(shape).norm(dim=-1, keepdim=True)
    scaled = wide / wide.norm(dim=-1, keepdim=True).clamp_min(1e-300) * wanted
    units = scaled.flatten(-2).float()
    return evolve(found, units=units, scores={}, axes=None)


def shuffled_contrast(contrast: ContrastSet, seed: int, index: int) -> ContrastSet | None:
    """The contrast set with its labels shuffled; None where a class has one prompt only.

    Each new class has half of each old one, so that what tells the old classes apart cancels in the
    difference of the new ones; of a class with an odd number of prompts one, by lot, is left out. The order
    is shuffled too, so that pairs are broken up.
    """
    import numpy as np

    lots = np.random.default_rng([seed, index])
    old = (contrast.positive, contrast.negative)
    if min(map(len, old)) < 2:
        return None
    drawn = [[prompts[number] for number in lots.permutation(len(prompts))] for prompts in old]
    halves = [len(prompts) // 2 for prompts in old]
    new = (
        [prompt for prompts, half in zip(drawn, halves, strict=True) for prompt in prompts[:half]],
        [
            prompt
            for prompts, half in zip(drawn, halves, strict=True)
            for prompt in prompts[half : 2 * half]
        ],
    )
    positive, negative = (
        tuple(prompts[number] for number in lots.permutation(len(prompts))) for prompts in new
    )
    return ContrastSet(contrast.name, positive, negative)


def same_effect(one: Intervention, other: Intervention) -> bool:
    """Whether two interventions of one site do the same, such as taking out a direction or its opposite."""
    return len(one.edits) == len(other.edits) and all(map(_same_edit, one.edits, other.edits))


def _same_edit(one: Edit, other: Edit) -> bool:
    import torch

    def added(edit: Edit) -> Tensor | None:
        return None if edit.add is None or not edit.add.any() else edit.add

    def taken(edit: Edit) -> Tensor | None:
        return None if edit.unit is None or edit.gain == 0.0 else edit.unit

    def same(first: Tensor | None, second: Tensor | None) -> bool:
        if first is None or second is None:
            return first is second
        return torch.equal(first, second)

    unit = taken(other)
    projects = same(taken(one), unit) or same(taken(one), None if unit is None else -unit)
    return projects and one.gain == other.gain and same(added(one), added(other))
