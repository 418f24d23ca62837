"""Selector `cosmic`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from attrs import evolve, frozen

from steerkit_contrib_cosmic import scores
from steerkit_contrib_cosmic.candidates import (
    FILTERS,
    Candidate,
    excluded_by_kl,
    excluded_by_place,
    find_candidates,
    tally,
)
from steerkit_core import (
    ContrastSet,
    LayerSelector,
    Selection,
    SelectionContext,
    SteerkitError,
    Within,
    option,
)

if TYPE_CHECKING:
    from steerkit_core import Model, Probe, Prompt

LAST_FIVE = (-5, -4, -3, -2, -1)
AUTHORS_KL = 0.1
REMEDIES = {
    "degenerate": "the classes look the same there: set another extractor.position, or other prompts",
    "NaN": "set a wider model.dtype",
    "depth": "set a higher selector.depth_limit",
    "median": "set further positions in extractor.position",
}
NEEDED = 2  # a mean of one prompt is that prompt


@frozen(kw_only=True)
class Cosmic(LayerSelector):
    """Choose the direction that turns harmless prompts into harmful ones, and harmful into harmless.

    L_low are the layers where both classes of the contrast set look least alike. With u the mean over
    prompts and L_low of the last token's activation, of length 1: S_refuse is the cosine of u of harmless
    prompts with the direction added to u of harmful ones, S_comply that of u of harmful prompts with the
    direction ablated to u of harmless ones. Taken is the highest sum, on the validation prompts. Nothing is
    generated. A candidate of layer l is added to what block l is given; as the authors take it from there
    too, their recipe has `position = "suffix"` and `module = "input"` in its extractor. Directions of heads
    are scored as what the output projection of their block makes of them.
    """

    name: ClassVar[str] = "cosmic"
    reference: ClassVar[str] = "Siu et al., 2025, and the authors' code"
    cost: ClassVar[str] = (
        "for each candidate one for each harmful and half of one for each harmless validation prompt, none"
        " beyond the last layer that is compared; with the KL filter a whole one for each harmless prompt"
    )

    variant: Literal["authors", "paper"] = option(
        "authors",
        help="authors: the raw direction, layers from 0, held-out prompts, KL filter; paper: unit length,"
        " layers from 1, pairwise cosines, the prompts of the extraction, no KL filter",
    )
    form: Literal["linear", "affine"] = option(
        "linear",
        help="affine puts the harmless prompts' mean projection in the place of what is taken away, when"
        " ablating and when adding",
    )
    ablation: Literal["everywhere", "layer"] = option(
        "everywhere",
        help="where a direction is ablated: at the input of every block and on what every attention and MLP"
        " gives, or at its own layer's input alone, as in the authors' code for the affine form",
    )
    kl_threshold: float | Literal["variant", "off"] = option(
        "variant",
        help="largest mean KL of the next token on harmless prompts while the direction is ablated; variant"
        " is 0.1 for authors and off for paper",
        checks=[Within(0)],
    )
    depth_limit: float = option(
        0.8, help="share of the layers that is chosen from, the first ones", checks=[Within(0, 1)]
    )
    low_share: float = option(
        0.1,
        help="share of the layers that are compared, those of lowest similarity; one at least",
        checks=[Within(0, 1)],
    )

    def check(self, num_layers: int) -> None:
        """Raise `SteerkitError` where no layer is left to choose from."""
        if not self._layers(num_layers):
            first = " from layer 1 on" if self.variant == "paper" else ""
            raise SteerkitError(
                f"selector 'cosmic' chooses among the first int({self.depth_limit:g} x {num_layers}) ="
                f" {int(self.depth_limit * num_layers)} layers{first}, of which there are none: choose a"
                " model of more layers or a higher selector.depth_limit"
            )

    def check_prompts(self, contrast: ContrastSet, validation: ContrastSet) -> None:
        """Refuse a class of one prompt, where a mean is asked for."""
        for prompts in (contrast, self._held_out(contrast, validation)):
            positive, negative = prompts.sizes
            if min(positive, negative) < NEEDED:
                raise SteerkitError(
                    f"selector 'cosmic' compares means of prompts, and needs {NEEDED} of each class at"
                    f" least: {prompts.name} has {positive} positive and {negative} negative: add prompts"
                )

    def _held_out(self, contrast: ContrastSet, validation: ContrastSet) -> ContrastSet:
        """The prompts that candidates are scored on."""
        return contrast if self.variant == "paper" else validation

    def _layers(self, num_layers: int) -> range:
        return range(1 if self.variant == "paper" else 0, int(self.depth_limit * num_layers))

    @property
    def _threshold(self) -> float | None:
        """The largest KL that passes; None without the filter."""
        if self.kl_threshold == "variant":
            return AUTHORS_KL if self.variant == "authors" else None
        return None if self.kl_threshold == "off" else self.kl_threshold

    def select(self, context: SelectionContext) -> Selection:
        """The candidate of the highest score that no filter takes.

        Raises:
            SteerkitError: too few prompts, directions of another width than the model's, or no candidate is
                left.
        """
        model = context.model
        self.check(model.num_layers)
        self.check_prompts(context.contrast, context.validation)
        directions = model.in_stream(context.directions)
        held_out = self._held_out(context.contrast, context.validation)
        low = self._low(model, context.contrast)
        harmless = None
        if self.form == "affine":
            groups = [context.contrast.negative]
            harmless = model.mean_activations(groups, directions.positions, directions.module)[0]
        found = find_candidates(directions, scaled=self.variant == "authors", harmless=harmless)
        found = self._scored(model, held_out, found, low)
        found = excluded_by_place(found, self._layers(model.num_layers))
        if self._threshold is not None:
            found = self._filtered(model, held_out.negative, found, self._threshold)
        left = [one for one in found if not one.excluded]
        taken = self._taken(found, model.num_layers)
        if not left:
            raise SteerkitError(
                f"selector 'cosmic' has no candidate left of {len(found)}: the filters took {taken};"
                f" {_remedy(found)}"
            )
        # of equal scores the later token's, and of one token's the earlier layer
        left.sort(key=lambda one: (-(one.score or 0.0), -one.position, one.layer))
        best = left[0]
        compared = f"layer{'s' * (len(low) != 1)} {', '.join(map(str, low))}"
        reason = (
            f"score {best.score:.4f} (refuse {best.s_refuse:.4f}, comply {best.s_comply:.4f}) at position"
            f" {best.position}, the best of {len(left)} candidates left of {len(found)}"
            f"{f' ({taken})' if taken else ''}; compared in {compared};"
            f" {self._prompts_in_words(context)}{self._positions_in_words(context)}"
        )
        table = tuple(one.row() for one in (*left, *(one for one in found if one.excluded)))
        return Selection(best.layer, best.position, reason=reason, table=table)

    def _low(self, model: Model, contrast: ContrastSet) -> tuple[int, ...]:
        """L_low: the layers where the classes' last tokens are least alike."""
        if self.variant == "authors":
            means = model.mean_activations((contrast.positive, contrast.negative))
            cosines = scores.cosines_of_means(means[0, 0], means[1, 0])
        else:
            both = model.class_activations(contrast)
            cosines = scores.mean_of_cosines(both.positive[:, 0], both.negative[:, 0])
        return scores.lowest(cosines, max(1, int(self.low_share * model.num_layers)))

    def _scored(
        self, model: Model, prompts: ContrastSet, found: Sequence[Candidate], low: Sequence[int]
    ) -> tuple[Candidate, ...]:
        """S_refuse and S_comply of all that are not degenerate, also of those that a filter will take."""
        usable = [one for one in found if not one.excluded]
        added, ablated = [one.added() for one in usable], [self._ablated(one) for one in usable]
        harmless, refusing = map(scores.pooled, model.probed_means(prompts.negative, added, low))
        harmful, complying = map(scores.pooled, model.probed_means(prompts.positive, ablated, low))
        numbers = zip((refusing @ harmful).tolist(), (complying @ harmless).tolist(), strict=True)
        scored = iter(
            evolve(one, s_refuse=_known(s_refuse), s_comply=_known(s_comply))
            for one, (s_refuse, s_comply) in zip(usable, numbers, strict=True)
        )
        return tuple(one if one.excluded else next(scored) for one in found)

    def _filtered(
        self, model: Model, harmless: Sequence[Prompt], found: Sequence[Candidate], threshold: float
    ) -> tuple[Candidate, ...]:
        """KL(plain || ablated) on harmless prompts, of the candidates that are left so far."""
        from steerkit_core import kl_divergence

        left = [one for one in found if not one.excluded]
        if not left:
            return tuple(found)
        kl = model.probed_logits(harmless, [self._ablated(one) for one in left], kl_divergence).mean(dim=1)
        measured = iter(
            excluded_by_kl(one, number, threshold) for one, number in zip(left, kl.tolist(), strict=True)
        )
        return tuple(one if one.excluded else next(measured) for one in found)

    def _ablated(self, one: Candidate) -> Probe:
        return one.ablated(everywhere=self.ablation == "everywhere")

    def _taken(self, found: Sequence[Candidate], num_layers: int) -> str:
        layers = self._layers(num_layers)
        words = {
            "degenerate": "as degenerate (length zero or not a number)",
            "NaN": "by scores that are not numbers",
            "depth": f"by depth (outside of layers {layers[0]} to {layers[-1]})",
            "median": "by the medians of the other positions' best layers",
            "KL": "by KL" if self._threshold is None else f"by KL (above {self._threshold:g})",
        }
        return tally(found, words)

    def _prompts_in_words(self, context: SelectionContext) -> str:
        if self.variant == "paper":
            return "scored on the prompts that the directions were found with, as the variant has it"
        if context.validation == context.contrast:
            return "scored on the prompts that the directions were found with, so nothing is held out"
        return f"scored on {context.validation.name}"

    def _positions_in_words(self, context: SelectionContext) -> str:
        """That the positions are not those of the method, where they are not."""
        suffix = tuple(range(-context.model.suffix_length, 0))
        own = LAST_FIVE if self.variant == "paper" else suffix
        found = tuple(sorted(context.directions.positions))
        if found == own:
            return ""
        words = "the last five" if self.variant == "paper" else f"the template's suffix of {len(suffix)}"
        return f"; positions {', '.join(map(str, found))}, where the method has {words}"


def _remedy(found: Sequence[Candidate]) -> str:
    """What to change so that the last filter that took any leaves some of them."""
    taken = {one.excluded for one in found}
    if "KL" in taken:
        known = [one.kl for one in found if one.excluded == "KL" and one.kl is not None]
        passing = f"to {math.ceil(min(known) * 1000) / 1000:g} or more, or " if known else ""
        return f"set selector.kl_threshold {passing}to 'off'"
    return next(REMEDIES[name] for name in reversed(FILTERS) if name in taken)


def _known(number: float) -> float | None:
    return number if math.isfinite(number) else None
