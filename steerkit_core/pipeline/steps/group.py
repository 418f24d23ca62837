"""A group whose model is loaded: what all of its steps share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import attrs
from attrs import field, frozen

from steerkit_core.components import Component, Method
from steerkit_core.errors import SteerkitError
from steerkit_core.judging.judging import Judges
from steerkit_core.plugin.registry import Registry
from steerkit_core.progress import Progress, Silent
from steerkit_core.recipe.direction_sources import RunSources
from steerkit_core.recipe.plan import Group
from steerkit_core.results.run_directory import RunDirectory
from steerkit_core.steering.cell_columns import CellModel

if TYPE_CHECKING:
    from steerkit_core.model.handle import ModelHandle


@frozen(eq=False)
class LoadedGroup:
    """The configurations of one model, the model, and the run that keeps what is made with it."""

    group: Group
    model: ModelHandle
    store: RunDirectory
    registry: Registry
    seed: int
    judges: Judges
    progress: Progress = field(factory=Silent)

    @property
    def cell_model(self) -> CellModel:
        """What the group's cells say of their model."""
        return CellModel(
            id=self.group.spec.id,
            quantization=self.group.spec.quantization,
            num_layers=self.model.num_layers,
            family_multiplier=self.model.adapter.defaults.multiplier,
            identity=self.model.identity,
            num_heads=getattr(self.model.config, "num_attention_heads", 1),
        )

    @property
    def columns(self) -> dict[str, str]:
        """The columns of `results.json` that name the model."""
        spec = self.group.spec
        return {"model": spec.id, "quantization": spec.quantization, "dtype": self.model.dtype}

    @property
    def one_judge(self) -> bool:
        """Whether all configurations have the same judge."""
        return len({setting.classifier for setting in self.group.settings}) == 1

    def open_sources(self) -> RunSources:
        """Where an extractor finds what other models and runs have; as a context it lets go of models."""
        return RunSources(self.registry, self.judges.models)

    def method(self, word: str, component: Component) -> Method:
        """Name, options and version: everything that determines what a component does."""
        return Method(
            use=component.name,
            options=attrs.asdict(cast("Any", component)),
            version=self.registry.entries[word][component.name].plugin.version,
        )

    def identity(self, word: str, component: Component) -> dict[str, object]:
        """The same as JSON, as it goes into hashes."""
        return attrs.asdict(self.method(word, component))

    @contextmanager
    def blamed(self, word: str, component: Component) -> Iterator[None]:
        """Note on whatever passes here unexpectedly whose component it came through."""
        try:
            yield
        except SteerkitError:
            raise
        except Exception as error:
            source = self.registry.entries[word][component.name].plugin.source
            error.add_note(f"raised in {word} {component.name!r} of {source}")
            raise
