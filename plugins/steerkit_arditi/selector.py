"""Selector `arditi`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from attrs import frozen

from steerkit_arditi.candidates import Candidate, Measured, find_candidates
from steerkit_core import LayerSelector, Selection, SelectionContext, SteerkitError, Within, option

if TYPE_CHECKING:
    from torch import Tensor

    from steerkit_core import ContrastSet, Model

REMEDIES = {
    "depth": "set a higher selector.depth_limit",
    "NaN": "set a wider model.dtype",
    "degenerate": "the classes look the same there: set another extractor.position, or other prompts",
}


@frozen(kw_only=True)
class Arditi(LayerSelector):
    """Choose the direction without which harmful prompts are refused least.

    The refusal score is log p(R) - log(1 - p(R)) of the first answer token, R being what the family's
    refusals begin with. Bypass is its mean on harmful prompts while the direction is ablated at the input
    of every block and on what every attention and MLP gives; induce that on harmless prompts while the
    direction, as long as it was, is added to what its block alone is given; KL is KL(plain || ablated) of
    the first answer token on harmless prompts. All three are measured on the validation prompts, and
    nothing is generated. The authors read candidates at the template's suffix from what blocks are given:
    their recipe has `position = "suffix"` and `module = "input"` in its extractor. Directions of heads are
    scored as what the output projection of their block makes of them.
    """

    name: ClassVar[str] = "arditi"
    reference: ClassVar[str] = "Arditi et al., 2024, section 2.4 and appendix C"
    cost: ClassVar[str] = (
        "for each candidate one for each harmful validation prompt and one and a half for each harmless one"
    )

    kl_threshold: float | Literal["off"] = option(
        0.1,
        help="largest mean KL of the first answer token on harmless prompts while the direction is ablated",
        checks=[Within(0)],
    )
    induce_threshold: float | Literal["off"] = option(
        0.0, help="smallest mean refusal score on harmless prompts while the direction is added"
    )
    depth_limit: float = option(
        0.8, help="share of the layers that is chosen from, the first ones", checks=[Within(0, 1)]
    )
    openings: tuple[str, ...] = option(
        (), help="words that refusals begin with; by default those of the model's family"
    )

    def check(self, num_layers: int) -> None:
        """Raise `SteerkitError` where no layer is left to choose from."""
        if not self._layers(num_layers):
            raise SteerkitError(
                f"selector 'arditi' chooses among the first int({self.depth_limit:g} x {num_layers}) = 0"
                " layers, of which there are none: choose a model of more layers or a higher"
                " selector.depth_limit"
            )

    def _layers(self, num_layers: int) -> range:
        return range(int(self.depth_limit * num_layers))

    def select(self, context: SelectionContext) -> Selection:
        """The candidate of the lowest bypass score that no filter takes.

        Raises:
            SteerkitError: directions of another width than the model's, refusals that no answer of the
                model begins with, or no candidate is left.
        """
        model = context.model
        self.check(model.num_layers)
        directions = model.in_stream(context.directions)
        usable, degenerate = find_candidates(directions)
        tokens = model.refusal_tokens(self.openings)
        measured = self._measured(model, context.validation, usable, tokens) if usable else []
        places = [(position, layer) for position in directions.positions for layer in directions.layers]
        found = sorted((*measured, *degenerate), key=lambda one: places.index((one.position, one.layer)))
        layers = self._layers(model.num_layers)
        excluded = [one.excluded(layers, *self._limits) for one in found]
        left = [one for one, reason in zip(found, excluded, strict=True) if not reason]
        taken = self._taken(excluded, layers)
        if not left:
            raise SteerkitError(
                f"selector 'arditi' has no candidate left of {len(found)}: the filters took {taken};"
                f" {_remedy(found, excluded)}"
            )
        # of equal scores the later token's, and of one token's the earlier layer
        left.sort(key=lambda one: (one.bypass, -one.position, one.layer))
        best = left[0]
        same = context.validation == context.contrast
        where = "the prompts that the directions were found with, so nothing is held out"
        reason = (
            f"bypass {best.bypass:.4f} (induce {best.induce:.4f}, KL {best.kl:.4f}) at position"
            f" {best.position}, the lowest of {len(left)} candidates left of {len(found)}"
            f"{f' ({taken})' if taken else ''}; refusals begin with"
            f" {', '.join(repr(model.tokenizer.decode([token])) for token in tokens)}; scored on"
            f" {where if same else context.validation.name}"
        )
        others = ((one, why) for one, why in zip(found, excluded, strict=True) if why)
        table = (*(one.row("") for one in left), *(one.row(why) for one, why in others))
        return Selection(best.layer, best.position, reason=reason, table=table)

    def _measured(
        self, model: Model, prompts: ContrastSet, usable: Sequence[Candidate], tokens: Sequence[int]
    ) -> list[Measured]:
        """Bypass, induce and KL of every candidate, also of those that a filter will take."""
        from steerkit_core import kl_divergence, refusal_score

        def score(_plain: Tensor, found: Tensor) -> Tensor:
            return refusal_score(found.flatten(0, 1), tokens).view(found.shape[:2])

        ablated, added = [one.ablated for one in usable], [one.added for one in usable]
        scores = (
            model.probed_logits(prompts.positive, ablated, score),
            model.probed_logits(prompts.negative, added, score),
            model.probed_logits(prompts.negative, ablated, kl_divergence),
        )
        means = zip(*(found.mean(dim=1).tolist() for found in scores), strict=True)
        return [Measured(one.position, one.layer, *row) for one, row in zip(usable, means, strict=True)]

    @property
    def _limits(self) -> tuple[float, float]:
        """The largest KL and the smallest induced score that pass."""
        return _limit(self.kl_threshold, math.inf), _limit(self.induce_threshold, -math.inf)

    def _taken(self, excluded: Sequence[str], layers: range) -> str:
        limits = self._limits
        words = {
            "degenerate": "as degenerate (length zero or not a number)",
            "NaN": "by scores that are not numbers",
            "depth": f"by depth (layer {layers[-1] + 1} and later)",
            "KL": f"by KL (above {limits[0]:g})",
            "induce": f"by induce (below {limits[1]:g})",
        }
        return ", ".join(f"{excluded.count(name)} {words[name]}" for name in words if excluded.count(name))


def _remedy(found: Sequence[Measured], excluded: Sequence[str]) -> str:
    """What to change so that the last filter that took any leaves some of them."""
    if "induce" in excluded:
        most = max(one.induce for one, why in zip(found, excluded, strict=True) if why == "induce")
        return f"set selector.induce_threshold{_passing(most, math.floor, 'less')} to 'off'"
    if "KL" in excluded:
        least = min(one.kl for one, why in zip(found, excluded, strict=True) if why == "KL")
        return f"set selector.kl_threshold{_passing(least, math.ceil, 'more')} to 'off'"
    return next(words for name, words in REMEDIES.items() if name in excluded)


def _passing(score: float, rounded: Callable[[float], int], further: str) -> str:
    """A threshold of three decimals that a score passes."""
    return f" to {rounded(score * 1000) / 1000:g} or {further}, or" if math.isfinite(score) else ""


def _limit(threshold: float | Literal["off"], off: float) -> float:
    return off if threshold == "off" else threshold
