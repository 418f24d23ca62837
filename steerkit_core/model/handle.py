"""`ModelHandle`: the loaded model as plugins and users see it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from attrs import define

from steerkit_core.components import Site
from steerkit_core.generation import complete
from steerkit_core.generation.answer_probabilities import answer_log_probs
from steerkit_core.generation.opening_tokens import refusal_tokens
from steerkit_core.model.activations import activations, class_activations, mean_activations
from steerkit_core.model.conditions import meets
from steerkit_core.model.engine import Engine
from steerkit_core.model.in_place.steer import steer
from steerkit_core.model.in_place.steered import Steered
from steerkit_core.model.in_stream import in_stream
from steerkit_core.model.measuring import stream_health
from steerkit_core.model.partial_passes.probing import probed_logits, probed_means
from steerkit_core.recipe.lookup import built
from steerkit_core.recipe.options import GenerationOptions
from steerkit_core.values import (
    BlockModule,
    ClassActivations,
    Completion,
    Condition,
    ContrastSet,
    Direction,
    DirectionSet,
    Probe,
    Prompt,
)

if TYPE_CHECKING:
    from torch import Tensor


@define(eq=False, slots=False, repr=False)
class ModelHandle(Engine):
    """A loaded model. `fingerprint` identifies weights, tokenizer and template by content or commit.

    It is the `Model` that plugins get, and has one method more: `steer`. What each method does stands in a
    function of the same name.
    """

    def __repr__(self) -> str:
        what = f"{type(self.model).__name__}, {self.num_layers} layers, width {self.hidden_size}"
        precision = self.dtype if self.spec.quantization == "none" else self.spec.quantization
        return f"ModelHandle({self.spec.id!r}: {what}, {precision} on {self.device})"

    def refusal_tokens(self, openings: Sequence[str] = ()) -> tuple[int, ...]:
        """See `Model.refusal_tokens`."""
        return refusal_tokens(self, openings)

    def answer_log_probs(self, prompts: Sequence[Prompt], answers: Sequence[str]) -> Tensor:
        """See `Model.answer_log_probs`."""
        return answer_log_probs(self, prompts, answers)

    def mean_activations(
        self,
        groups: Sequence[Sequence[Prompt]],
        positions: Sequence[int] = (-1,),
        module: BlockModule = "residual",
    ) -> Tensor:
        """See `Model.mean_activations`."""
        return mean_activations(self, groups, positions, module)

    def activations(
        self,
        prompts: Sequence[Prompt],
        positions: Sequence[int] = (-1,),
        module: BlockModule = "residual",
    ) -> Tensor:
        """See `Model.activations`."""
        return activations(self, prompts, positions, module)

    def class_activations(
        self,
        contrast: ContrastSet,
        positions: Sequence[int] = (-1,),
        module: BlockModule = "residual",
        layers: Sequence[int] | None = None,
    ) -> ClassActivations:
        """See `Model.class_activations`."""
        return class_activations(self, contrast, positions, module, layers)

    def residual_norms(self, prompts: Sequence[Prompt]) -> tuple[float, ...]:
        """See `Model.residual_norms`."""
        return stream_health(self, prompts).norm_mean

    def probed_means(
        self,
        prompts: Sequence[Prompt],
        probes: Sequence[Probe],
        layers: Sequence[int],
        positions: Sequence[int] = (-1,),
    ) -> tuple[Tensor, Tensor]:
        """See `Model.probed_means`."""
        return probed_means(self, prompts, probes, layers, positions)

    def probed_logits(
        self,
        prompts: Sequence[Prompt],
        probes: Sequence[Probe],
        compare: Callable[[Tensor, Tensor], Tensor],
    ) -> Tensor:
        """See `Model.probed_logits`."""
        return probed_logits(self, prompts, probes, compare)

    def meets(self, prompts: Sequence[Prompt], condition: Condition) -> list[bool]:
        """See `steerkit_core.model.conditions.meets`."""
        return meets(self, prompts, condition)

    def in_stream(self, directions: DirectionSet) -> DirectionSet:
        """See `Model.in_stream`."""
        return in_stream(self, directions)

    def complete(
        self,
        prompts: str | Prompt | Sequence[str | Prompt],
        *,
        max_new_tokens: int = 100,
        temperature: float = 0.0,
        top_p: float = 1.0,
        batch_size: int | Literal["auto"] = "auto",
        seed: int = 0,
    ) -> list[Completion]:
        """See `Model.complete`. Inside of `steer` it is what the steered model answers."""
        options = {
            "max_new_tokens": max_new_tokens,
            "temperature": temperature,
            "top_p": top_p,
            "batch_size": batch_size,
        }
        return complete(self, prompts, built(GenerationOptions, options, "generation"), seed)

    def steer(
        self,
        direction: Direction | Sequence[Direction] | DirectionSet,
        /,
        multiplier: float | None = None,
        *,
        site: str | Site = "residual-add",
        layer: int | None = None,
        position: int | None = None,
        contrast: object = None,
        **options: Any,
    ) -> Steered:
        """A context manager under which the model itself is steered, whoever calls it.

        All rows of every pass are edited, just as a recipe's site edits them: with `complete`, with
        transformers' own `generate` (greedy, sampling, beams, with a cache or without) and `pipeline`, and
        with plain forward passes, also with gradients. Hooks do it; the weights stay as they are, and the
        hooks are gone when the block is left, however it is left. Blocks nest: an inner one edits what the
        outer one has edited. Other threads that call the model meanwhile are steered too.

        Args:
            direction: a direction, as `directions.at(layer=5)` gives it; several, which are applied one
                after another; or a whole set, with `layer`, for sites that use each layer's own.
            multiplier: strength; by default the site's own, else the family's.
            site: the name of an installed site, or a site that is built already.
            layer: which of a set's layers.
            position: which of a set's positions, where it has several.
            contrast: the prompts that the directions were found with, for sites that read them, such as
                `residual-affine`; whatever `extract` takes.
            options: those of the site, as in a recipe: `unit`, `span`, `tokens`, `preserve_norm`, ...

        Raises:
            SteerkitError: the model is on a server, has no such layer or another width, the direction was
                read elsewhere than the site edits, or an option is wrong. A span of `tokens` other than
                `all` is refused in the middle of `generate` where prompts and answers cannot be told apart,
                as without a cache.

        >>> import steerkit_core
        >>> model = steerkit_core.load_model("bundled:qwen2-s")
        >>> directions = steerkit_core.extract(model, contrast="refusal-5")
        >>> with model.steer(directions.at(layer=1), multiplier=4):
        ...     [answer] = model.complete("Name three rivers in Europe.", max_new_tokens=4)
        >>> answer.text.split()[0]
        'I'
        """
        return steer(
            self,
            direction,
            multiplier,
            site=site,
            place={"layer": layer, "position": position},
            contrast=contrast,
            options=options,
        )
