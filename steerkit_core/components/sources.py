"""What is known of directions that come from elsewhere: a run, a file, another model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from attrs import field, frozen

from steerkit_core.values import BlockModule, DirectionSet


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
