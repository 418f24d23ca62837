"""Where an extractor finds what lies outside of the model that is steered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from attrs import field, frozen

from steerkit_core.components.model import Model
from steerkit_core.components.model_spec import ModelSpec
from steerkit_core.values import BlockModule, DirectionSet, Prompt

if TYPE_CHECKING:
    from steerkit_core.components.extractor import Extractor


@frozen(kw_only=True)
class Method:
    """What determines an extractor's directions: its name, its options and its plugin's version."""

    use: str | None
    options: Mapping[str, object] = field(factory=dict)
    version: str | None = None


@frozen(kw_only=True)
class ModelRecord:
    """What a file of directions says of their model besides its identity; `template` is a hash."""

    id: str
    revision: str | None
    template: str
    model_type: str
    num_layers: int
    hidden_size: int


@frozen(kw_only=True)
class SourceModel:
    """The model that saved directions were found in: identity and record, None where not known."""

    id: str | None = None
    revision: str | None = None
    template: str | None = None
    model_type: str | None = None
    num_layers: int | None = None
    hidden_size: int | None = None
    fingerprint: str | None = None
    dtype: str | None = None
    quantization: str | None = None
    device: str | None = None


class SavedDirections(Protocol):
    """Directions of a run or a file; nothing but their description is read before they are asked for."""

    @property
    def key(self) -> str:
        """What the run calls their extraction."""

    @property
    def model(self) -> SourceModel:
        """The model that they were found in."""

    @property
    def extractor(self) -> Method:
        """What found them."""

    @property
    def positions(self) -> tuple[int, ...]:
        """Where they were read."""

    @property
    def num_layers(self) -> int | None:
        """How many blocks that model has; None where a file does not say."""

    @property
    def module(self) -> BlockModule:
        """What was read in the blocks."""

    @property
    def width(self) -> int:
        """The length of a direction in numbers."""

    @property
    def digest(self) -> str:
        """SHA-256 of all of their numbers."""

    def directions(self) -> DirectionSet:
        """The directions: of a run at all layers of that model, in a file at those that it has."""


class Sources(Protocol):
    """Where an extractor finds what lies outside of the model that is steered."""

    def hidden_size(self, spec: ModelSpec) -> int | None:
        """The hidden size of a model, as far as it is known without loading it.

        Raises:
            ModelError: there is no such model.
        """

    def identity(self, spec: ModelSpec) -> Mapping[str, str]:
        """What determines a model's numbers: a fingerprint, dtype, quantization and kind of device.

        Raises:
            ModelError: it cannot be found or read.
        """

    def load(self, spec: ModelSpec) -> Model:
        """A model, which is let go of when the extraction has ended; the steered one, if it is the same.

        Raises:
            ModelError: it cannot be found, read or loaded on this machine.
        """

    def extractor(self, name: str, options: Sequence[str] = (), **known: Any) -> Extractor:
        """An installed extractor, built from options written as `key=value`, the value as in TOML.

        Args:
            name: as a recipe names it.
            options: what was written; a bare word is a string.
            known: further options, by their values.

        Raises:
            SteerkitError: there is none of that name, or it refuses an option.
        """

    def describe(self, extractor: Extractor) -> Method:
        """What determines an extractor's answers."""

    def prompts(self, name: str) -> tuple[Prompt, ...]:
        """The prompts of an installed set.

        Raises:
            SteerkitError: there is none of that name.
        """

    def saved(self, run: str, key: str = "") -> SavedDirections:
        """Directions that a run has kept, by the beginning of their key; by default the only ones.

        Raises:
            SteerkitError: there is no such run, it keeps none, or it is not clear which are meant.
        """

    def filed(self, file: str) -> SavedDirections:
        """The directions of a file, as `DirectionSet.save` writes it.

        Raises:
            SteerkitError: there is no such file, or it holds something else.
        """
