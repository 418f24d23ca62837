"""Controls: what a chosen direction has to beat before its rate says anything about the direction.

A control steers at the same site, layer, position and multiplier as the chosen cell, at the same length in
every unit, along another direction: a random one, the one that the extractor finds where the labels of its
prompts are shuffled, or the chosen one with its sign flipped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from steerkit_core.comparison import REFUSAL
from steerkit_core.values import ContrastSet, DirectionSet, Edit, Intervention

if TYPE_CHECKING:
    from torch import Tensor

LEVEL = 0.05
ALIKE = 0.5  # from this cosine on a control is half the direction itself, and its rate is told with it


@frozen
class Control:
    """One control of a chosen cell; `name` is its column in `results.json`.

    `directions` take the place of the chosen ones, and are as long. `identity` says what they were made
    from, beyond the chosen ones and the site.
    """

    name: str
    directions: DirectionSet
    identity: Mapping[str, Any]
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
    is shuffled too, so that pairs are none any more.
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


def judge_controls(
    comparisons: Sequence[Mapping[str, Any]],
    cells: Mapping[str, Mapping[str, Any]],
    left_out: Iterable[tuple[str, Sequence[str]]],
) -> list[dict[str, Any]]:
    """Whether each chosen cell beats its controls: the entries of `controls` in `results.json`.

    It does if it differs from the unsteered cell and from every control, each by McNemar's exact test at
    p < 0.05 after Holm's adjustment for all comparisons of the run, and always in the same direction. That
    is the direction in which it differs from the unsteered cell, and towards more refusals where it does
    not.

    Args:
        comparisons: those of the run, with `p_holm`.
        cells: entries of `results.json` by id.
        left_out: of each chosen cell that was to have controls, which there are none of, and why.
    """
    reasons: dict[str, dict[str, None]] = {}
    for cell, missing in left_out:
        reasons.setdefault(cell, {}).update(dict.fromkeys(missing))
    found: list[dict[str, Any]] = []
    for cell, why in reasons.items():
        own = [entry for entry in comparisons if entry["cell"] == cell]
        if any(entry["role"] == "control" for entry in own):
            found.append(_verdict(cells[cell], own, cells) | {"left_out": list(why)})
    return found


def beats(comparison: Mapping[str, Any], sign: int = 1) -> bool:
    """Whether a cell has surely more refusals than what it is compared with, with sign -1 fewer."""
    return bool(comparison["p_holm"] < LEVEL and sign * comparison["difference"]["value"] > 0)


def unbeaten_note(entry: Mapping[str, Any], cell: Mapping[str, Any]) -> str:
    """What a reader has to know of a chosen cell that does not beat its controls."""
    quantized = "" if cell["quantization"] == "none" else f", {cell['quantization']}"
    strength = "" if cell["multiplier"] is None else f", multiplier {cell['multiplier']:g}"
    where = f"layer {cell['layer']}{strength} (cell {cell['id']})"
    return f"{cell['model']}{quantized}, {where}: {entry['sentence']}."


def _verdict(
    cell: Mapping[str, Any], own: Sequence[Mapping[str, Any]], cells: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    unsteered = [entry for entry in own if entry["role"] == "baseline"]
    fewer = any(entry["difference"]["value"] < 0 for entry in unsteered)
    sign = -1 if fewer else 1
    unbeaten = [entry for entry in own if not beats(entry, sign)]
    controls = [entry for entry in own if entry["role"] == "control"]
    against = [_share(cells[entry["reference"]]) for entry in unsteered]
    rates = [cells[entry["reference"]] for entry in controls]
    strongest = (min if fewer else max)(rates, key=lambda control: control["rates"][REFUSAL]["rate"])
    bound = "" if len(controls) == 1 else "at least " if fewer else "at most "
    number = "1 control" if len(controls) == 1 else f"{len(controls)} controls"
    if unbeaten:
        named = ", ".join(_unbeaten(entry, cells[entry["reference"]]) for entry in unbeaten)
        sentence = f"{_share(cell)} does not beat its controls: {named}"
    else:
        versus = [f"{share} unsteered" for share in against]
        versus.append(f"{bound}{_share(strongest)} under {number}")
        sentence = f"{_share(cell)} against {' and '.join(versus)}"
    return {
        "cell": cell["id"],
        "label": REFUSAL,
        "beaten": not unbeaten,
        "controls": len(controls),
        "unbeaten": [_name(cells[entry["reference"]]) for entry in unbeaten],
        "sentence": sentence,
    }


def _share(cell: Mapping[str, Any]) -> str:
    rate = cell["rates"][REFUSAL]
    return f"{rate['k']}/{rate['n']}"


def _name(cell: Mapping[str, Any]) -> str:
    return "unsteered" if cell["role"] == "baseline" else str(cell["control"])


def _unbeaten(entry: Mapping[str, Any], reference: Mapping[str, Any]) -> str:
    facts = [f"p = {entry['p_holm']:.2g}"]
    cosine = (reference["direction"] or {}).get("cosine")
    if cosine is not None and abs(cosine) >= ALIKE and reference["control"] != "flipped":
        facts.append(f"cosine {cosine:.2f} to the direction")
    return f"{_name(reference)} {_share(reference)} ({', '.join(facts)})"
