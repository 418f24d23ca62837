"""What a recipe says once it is checked: its configurations, built and ready to run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from attrs import field, frozen

from steerkit_core.components import Classifier, Extractor, LayerSelector, Site
from steerkit_core.components.core_keys import ExtractionOptions
from steerkit_core.components.model_spec import ModelSpec
from steerkit_core.files.fingerprints import document_fingerprint
from steerkit_core.recipe.compatibility import trials_of
from steerkit_core.recipe.options import (
    CalibrationOptions,
    ControlOptions,
    GenerationOptions,
    RunOptions,
    TransferOptions,
)
from steerkit_core.values import ContrastSet, Prompt, Trial

if TYPE_CHECKING:
    from steerkit_core.results.findings import ExcludedPair


@frozen
class NamedPrompts:
    """Prompts and the name or file they came from."""

    name: str
    prompts: tuple[Prompt, ...]

    @property
    def unrepeated(self) -> tuple[Prompt, ...]:
        """The prompts, each once, however often it is to be completed."""
        return tuple(prompt for prompt in self.prompts if not prompt.repeat)


@frozen
class Setting:
    """One configuration, a point of the grid: everything that a pipeline needs, built and checked.

    Where a prompt is to be completed several times, `evaluation` and `selection` hold it as often.
    `overrides` says which options the grid has set, and to what.
    """

    model: ModelSpec
    contrast: ContrastSet
    evaluation: NamedPrompts
    selection: NamedPrompts
    extractor: Extractor
    selector: LayerSelector
    site: Site
    classifier: Classifier
    generation: GenerationOptions
    overrides: Mapping[str, object]
    extraction: ExtractionOptions = field(factory=ExtractionOptions)
    calibration: CalibrationOptions = field(factory=CalibrationOptions)
    controls: ControlOptions = field(factory=ControlOptions)
    validation: ContrastSet = field()

    @validation.default
    def _same_classes(self) -> ContrastSet:
        return self.contrast

    @property
    def carried(self) -> bool:
        """Whether the directions come from the unquantized model and not from the one that is steered."""
        return self.extraction.source == "unquantized" and self.model.quantization != "none"

    def trials(self, num_layers: int) -> tuple[Trial, ...]:
        """The trials that the selector is sure to ask for in a model of `num_layers` blocks.

        Raises:
            SteerkitError: it asks for a layer that is not there, or a multiplier where the site has none.
        """
        return trials_of(self.selector, self.extractor, self.site, num_layers)


@frozen
class Recipe:
    """A checked recipe. `text` is what will be kept in the run directory, and `document` what it says.

    `changes` are those of `--set` or of Python's `overrides`, which the text has in it. `transfer` asks for
    pairs of models instead of the recipe's own; `settings` are those of the pairs, and `excluded` the pairs
    that were left out, once `with_pairs` has made them.
    """

    run: RunOptions
    settings: tuple[Setting, ...]
    document: Mapping[str, object]
    text: str
    source: str
    changes: tuple[str, ...] = ()
    transfer: TransferOptions | None = None
    excluded: tuple[ExcludedPair, ...] = ()

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what the recipe says; see `document_fingerprint`."""
        return document_fingerprint(self.document)
