"""The models of a process besides those that are steered: each loaded once, and known before it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from attrs import define, evolve, field

from steerkit_core.components import ModelRecord
from steerkit_core.components.model_spec import ModelSpec
from steerkit_core.model.load_model import adapters_of, load_model, release_memory
from steerkit_core.plugin.registry import Registry
from steerkit_core.recipe.compatibility import find_model
from steerkit_core.recipe.plan import Group

if TYPE_CHECKING:
    from steerkit_core.model.handle import ModelHandle


@define(eq=False)
class LoadedModels:
    """Loads models for classifiers and extractors.

    The model that is being steered is lent and not loaded again.
    """

    registry: Registry
    _loaded: dict[ModelSpec, ModelHandle] = field(factory=dict)
    _identities: dict[ModelSpec, Mapping[str, str]] = field(factory=dict)
    _lent: ModelHandle | None = None

    @contextmanager
    def lending(self, model: ModelHandle) -> Iterator[None]:
        """Give this model to whoever asks for one like it; it is let go of at the end."""
        self._lent = model
        try:
            yield
        finally:
            self._lent = None

    def load(self, spec: ModelSpec) -> ModelHandle:
        """The model, ready to be used; see `ModelLoader`."""
        lent = self._as_lent(spec)
        if lent is not None:
            return lent
        if spec not in self._loaded:
            self._loaded[spec] = load_model(
                Group(spec, *find_model(spec, self.registry), ()), self.registry
            )
        return self._loaded[spec]

    def holds(self, spec: ModelSpec) -> bool:
        """Whether the model is there, lent or loaded."""
        return spec in self._loaded or self._as_lent(spec) is not None

    def let_go(self, spec: ModelSpec) -> None:
        """Forget a model that was loaded; it is loaded again if it is asked for once more."""
        if self._loaded.pop(spec, None) is not None:
            release_memory()

    def identity(self, spec: ModelSpec) -> Mapping[str, str]:
        """What `ModelHandle.identity` of the model is, without loading it where that can be avoided.

        Raises:
            ModelError: it cannot be found or read.
        """
        lent = self._as_lent(spec)
        if lent is not None:
            return lent.identity
        if spec not in self._identities:
            self._identities[spec] = self._identified(spec)
        return self._identities[spec]

    def record(self, spec: ModelSpec) -> ModelRecord:
        """What `ModelHandle.record` of the model is, without loading it where that can be avoided.

        Raises:
            ModelError: it cannot be found or read.
        """
        from steerkit_core.model.loading import record

        if self.registry.host.implements("steerkit_load_model"):
            return self.load(spec).record
        return record(spec, folder=find_model(spec, self.registry)[0])

    def _identified(self, spec: ModelSpec) -> Mapping[str, str]:
        from steerkit_core.model.loading import identify

        if self.registry.host.implements("steerkit_load_model"):
            # a plugin may load what it likes, and only then is it known what that is
            return self.load(spec).identity
        folder, _ = find_model(spec, self.registry)
        return identify(spec, adapters_of(self.registry), folder=folder)

    def _as_lent(self, spec: ModelSpec) -> ModelHandle | None:
        # the backend is a way to the same tensors
        same = self._lent is not None and evolve(self._lent.spec, backend="auto") == evolve(
            spec, backend="auto"
        )
        return self._lent if same else None
