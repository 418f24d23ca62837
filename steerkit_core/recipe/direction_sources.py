"""What an extractor may ask for besides the model that is steered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, cast

import attrs
from attrs import define, field

from steerkit_core.components import Method
from steerkit_core.components.core_keys import CORE_KEYS
from steerkit_core.errors import Problem, RecipeError, SteerkitError
from steerkit_core.plugin.registry import Registry
from steerkit_core.recipe.changes import toml_value
from steerkit_core.recipe.compatibility import find_model
from steerkit_core.recipe.lookup import built, installed_prompts

if TYPE_CHECKING:
    from types import TracebackType

    from steerkit_core.components import Extractor, Model
    from steerkit_core.components.model_spec import ModelSpec
    from steerkit_core.results.directions import KeptDirections
    from steerkit_core.values import Prompt


class Loader(Protocol):
    """Where the models come from; see `steerkit_core.model.loaded_models.LoadedModels`."""

    def load(self, spec: ModelSpec) -> Model:
        """The model, ready to be used."""

    def identity(self, spec: ModelSpec) -> Mapping[str, str]:
        """What determines its numbers."""

    def holds(self, spec: ModelSpec) -> bool:
        """Whether it is loaded."""

    def let_go(self, spec: ModelSpec) -> None:
        """Forget it."""


@define(eq=False)
class RunSources:
    """The sources of a run, or of the check of a recipe, which has no `loader`.

    As a context manager it lets go at the end of the models that it has loaded.
    """

    registry: Registry
    loader: Loader | None = None
    _loaded: list[ModelSpec] = field(factory=list)

    def __enter__(self) -> RunSources:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        while self._loaded:
            self._models.let_go(self._loaded.pop())

    @property
    def _models(self) -> Loader:
        if self.loader is None:
            raise SteerkitError("no model is loaded while a recipe is checked")
        return self.loader

    def hidden_size(self, spec: ModelSpec) -> int | None:
        """The hidden size of a model, as far as it is known without loading it."""
        _, facts = find_model(spec, self.registry)
        return None if facts is None else facts.hidden_size

    def identity(self, spec: ModelSpec) -> Mapping[str, str]:
        """What determines a model's numbers."""
        return self._models.identity(spec)

    def load(self, spec: ModelSpec) -> Model:
        """A model, which is let go of when the extraction has ended."""
        if not self._models.holds(spec):
            self._loaded.append(spec)
        return self._models.load(spec)

    def extractor(self, name: str, options: Sequence[str] = (), **known: Any) -> Extractor:
        """An installed extractor, built from options written as `key=value`."""
        cl = cast("Any", self.registry.get("extractor", name))
        table = dict(known)
        for line in options:
            key, equals, value = line.partition("=")
            if not (equals and key.strip()):
                raise SteerkitError(f"extractor.options: expected key=value, got {line!r}")
            if key.strip() in known or key.strip() in attrs.fields_dict(CORE_KEYS["extractor"]):
                raise SteerkitError(f"extractor.options: {key.strip()!r} is set in [extractor] itself")
            table[key.strip()] = toml_value(value.strip())
        return cast("Extractor", built(cl, table, f"extractor.method {name!r}"))

    def describe(self, extractor: Extractor) -> Method:
        """What determines an extractor's answers."""
        return Method(
            use=extractor.name,
            options=attrs.asdict(cast("Any", extractor)),
            version=self.registry.entries["extractor"][extractor.name].plugin.version,
        )

    def prompts(self, name: str) -> tuple[Prompt, ...]:
        """The prompts of an installed set."""
        return installed_prompts(name, self.registry)

    def saved(self, run: str, key: str = "") -> KeptDirections:
        """Directions that a run has kept."""
        from steerkit_core.results.directions import kept_directions

        return kept_directions(run, key)

    def filed(self, file: str) -> KeptDirections:
        """Directions in a file by themselves."""
        from steerkit_core.results.directions import filed_directions

        return filed_directions(file)


def check_sources(extractor: Extractor, spec: ModelSpec, registry: Registry) -> list[Problem]:
    """What an extractor finds wrong with a model before anything is loaded."""
    try:
        extractor.check_model(spec, RunSources(registry))
    except RecipeError as error:
        return list(error.problems)
    except SteerkitError as error:
        return [Problem("extractor", str(error))]
    return []
