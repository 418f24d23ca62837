"""Extractors: which directions separate two classes of prompts?"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

from attrs import frozen

from steerkit_core.components.component import Component
from steerkit_core.components.model import Model
from steerkit_core.components.model_spec import ModelSpec
from steerkit_core.components.options import OptionError, Within, not_empty, option
from steerkit_core.components.sources import Method, SavedDirections
from steerkit_core.errors import ModelError
from steerkit_core.values import BlockModule, ContrastSet, DirectionSet, Prompt

# the type of an option `position`: a token counted from the prompt's end, several, or the template's suffix
Position = int | tuple[int, ...] | Literal["suffix"]


def positions_once(value: object) -> None:
    """Raise `OptionError` for a list of positions that is empty, or has one twice."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        not_empty(value)
        if len(set(value)) < len(value):
            raise OptionError("every position once", list(value))


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
            SteerkitError: no such extractor is installed, or it refuses an option.
        """

    def describe(self, extractor: Extractor) -> Method:
        """What determines an extractor's answers."""

    def prompts(self, name: str) -> tuple[Prompt, ...]:
        """The prompts of an installed set.

        Raises:
            SteerkitError: no such prompt set is installed.
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


class Extractor(Component):
    """Answers: which directions separate the two prompt classes, at every (position, layer) asked?"""

    @property
    def positions(self) -> tuple[int, ...]:
        """The token positions that directions are read at, as far as they are known without a model.

        They stand in the option `position`, where there is one. `suffix` means all tokens that the chat
        template puts behind the user's text; how many these are the model's tokenizer knows, and until it
        is asked there are none.
        """
        own: Position = getattr(self, "position", -1)
        if own == "suffix":
            return ()
        return own if isinstance(own, tuple) else (own,)

    def positions_in(self, model: Model) -> tuple[int, ...]:
        """The token positions that directions are read at in a model, in the order of the text.

        Raises:
            ModelError: the template's suffix is asked for, and the template has none.
        """
        if getattr(self, "position", None) != "suffix":
            return self.positions
        length = model.suffix_length
        if not length:
            raise ModelError(
                f"extractor {self.name!r} reads the template's suffix, but the chat template of"
                f" {model.spec.id} puts nothing behind the user's text: set extractor.position to -1"
            )
        return tuple(range(-length, 0))

    @property
    def module(self) -> BlockModule:
        """What is read in the blocks: the residual stream, unless an option `module` says otherwise."""
        return "residual"

    @abstractmethod
    def extract(self, model: Model, contrast: ContrastSet, layers: Sequence[int]) -> DirectionSet:
        """Find directions at the outputs of `layers`; the sign points from negative to positive."""

    def extract_with(
        self, model: Model, contrast: ContrastSet, layers: Sequence[int], sources: Sources
    ) -> DirectionSet:
        """What a run calls: `extract`, unless an extractor needs more than the model that is steered."""
        return self.extract(model, contrast, layers)

    def check_prompts(self, contrast: ContrastSet) -> None:
        """Raise `SteerkitError` where prompts are too few for the method, or do not go together.

        Called for every setting with the recipe, before torch is imported; `extract` called by itself has
        to call it.
        """

    def check_model(self, model: ModelSpec, sources: Sources) -> None:
        """Raise `SteerkitError` where there can be no directions for a model.

        Called for every setting with the recipe, before torch is imported; `sources` loads nothing then.
        """

    def origin(self, model: Model, sources: Sources) -> Mapping[str, object]:
        """Where directions come from that are not found in the model that is steered; empty otherwise.

        JSON values. They are part of the extraction's identity, so that they must contain whatever
        determines the directions besides the options, and they stand in the column `origin` of every cell:
        `model` (an id), `run` (or None), `map` (`none`, or what the directions went through), `method` (the
        fields of `Sources.describe`), and `differs`, what of the source is not as in the steered model.

        Raises:
            SteerkitError: the directions may not be used in this model.
        """
        return {}


@frozen(kw_only=True)
class ReadingExtractor(Extractor):
    """An extractor that reads one module of the blocks, at one token or several, as its options say."""

    position: Position = option(
        -1,
        help="token whose activation is read, -1 being the prompt's last; a list of several; or suffix, all"
        " tokens that the chat template puts behind the user's text",
        checks=[Within(high=-1), positions_once],
    )
    module: BlockModule = option(
        "residual",
        help="what is read in each block: its output (residual) or input, what attention or MLP give, or"
        " the heads of the attention side by side; a recipe that does not say reads what its site edits",
    )
