"""A model that reads every prompt once, for work that extracts from the same prompts many times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from steerkit_core.values import BlockModule, ClassActivations, ContrastSet, Prompt

if TYPE_CHECKING:
    from torch import Tensor

    from steerkit_core.components import Model, ModelSpec, Sources


def remembering(model: Model) -> Model:
    """The same model, keeping in memory what was read of a prompt and serving it from there.

    An extractor given the result costs forward passes for prompts that are new, and none for others.
    Kept are float32 numbers, prompts x positions x layers x width, which is what the model's own
    `activations` gives; they are let go of with the returned object.
    """
    return cast("Model", _Remembering(model))


class RememberingSources:
    """Sources whose models are `remembering`; all else is as it was."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._loaded: dict[ModelSpec, Model] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sources, name)

    def load(self, spec: ModelSpec) -> Model:
        """As `Sources.load`."""
        if spec not in self._loaded:
            self._loaded[spec] = remembering(self._sources.load(spec))
        return self._loaded[spec]


class _Remembering:
    """Stands in for a `Model`: reads of activations are its own, all else is the model's.

    No subclass, because a plugin may have loaded a model of a class of its own.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        # of a prompt's text at a position, in a module: (layers, width)
        self._known: dict[tuple[BlockModule, int], dict[str, Tensor]] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def activations(
        self,
        prompts: Sequence[Prompt],
        positions: Sequence[int] = (-1,),
        module: BlockModule = "residual",
    ) -> Tensor:
        """As `Model.activations`."""
        import torch

        known = [self._known.setdefault((module, position), {}) for position in positions]
        missing = {p.text: p for p in prompts if any(p.text not in kept for kept in known)}
        if missing:
            found = self._model.activations(list(missing.values()), positions, module)
            for column, kept in enumerate(known):
                kept.update(zip(missing, found[:, column], strict=True))
        columns = [torch.stack([kept[prompt.text] for prompt in prompts]) for kept in known]
        return torch.stack(columns, dim=1)

    def mean_activations(
        self,
        groups: Sequence[Sequence[Prompt]],
        positions: Sequence[int] = (-1,),
        module: BlockModule = "residual",
    ) -> Tensor:
        """As `Model.mean_activations`."""
        import torch

        # all groups' missing prompts at once, so that they share batches as they would in the model
        self.activations([prompt for prompts in groups for prompt in prompts], positions, module)
        means = [self.activations(prompts, positions, module).double().mean(dim=0) for prompts in groups]
        return torch.stack(means)

    def class_activations(
        self,
        contrast: ContrastSet,
        positions: Sequence[int] = (-1,),
        module: BlockModule = "residual",
        layers: Sequence[int] | None = None,
    ) -> ClassActivations:
        """As `Model.class_activations`."""
        found = self.activations((*contrast.positive, *contrast.negative), positions, module)
        chosen = range(self._model.num_layers) if layers is None else layers
        return ClassActivations.of(found, contrast, positions, chosen)
