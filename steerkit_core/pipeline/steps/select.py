"""SELECT: ask each setting's selector for a layer, a position and a multiplier."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from attrs import define, field, frozen

from steerkit_core.extraction.extraction import Extraction
from steerkit_core.files.fingerprints import fingerprint
from steerkit_core.pipeline.steps.group import LoadedGroup
from steerkit_core.pipeline.steps.trials import Trials
from steerkit_core.recipe.compatibility import check_layer
from steerkit_core.recipe.recipe import Setting
from steerkit_core.values import ContrastSet, DirectionSet, Outcome, Prompt, Selection, Trial

if TYPE_CHECKING:
    from steerkit_core.model.handle import ModelHandle


@define(eq=False)
class Selectors:
    """The selectors of a group's settings, and what those have chosen that needed no trial."""

    loaded: LoadedGroup
    trials: Trials
    _read: dict[int, set[str]] = field(factory=dict)
    _untried: dict[tuple[Any, ...], tuple[Selection, frozenset[str]]] = field(factory=dict)

    def select(self, setting: Setting, extraction: Extraction) -> Selection:
        """SELECT: ask the setting's selector, once for all settings that give it the same to look at.

        One that has tried nothing cannot know of site, classifier and generation.

        Raises:
            SteerkitError: it chose a layer that the model has not.
        """
        own = fingerprint(self.loaded.identity("selector", setting.selector))
        seen = (setting.contrast, setting.validation, setting.selection.prompts)
        key = (own, extraction.key, *seen)
        if key in self._untried:
            known, texts = self._untried[key]
            self._read[id(setting)] = set(texts)
            return known
        with self.loaded.blamed("selector", setting.selector):
            selection = setting.selector.select(_Context(self, setting, extraction))
        check_layer(selection.layer, self.loaded.model.num_layers)
        if not self.trials.has_tried(setting):
            self._untried[key] = selection, self.read(setting)
        return selection

    def read(self, setting: Setting) -> frozenset[str]:
        """The texts of the prompts that the setting's selector read, without those that it tried."""
        return frozenset(self._read.get(id(setting), ()))

    def look(self, setting: Setting, prompts: Iterable[Prompt]) -> None:
        """Note prompts that a selector reads: where they are evaluation prompts its choice is marked."""
        self._read.setdefault(id(setting), set()).update(prompt.text for prompt in prompts)


@frozen(eq=False)
class _Context:
    """What a selector sees of a run."""

    _selectors: Selectors
    _setting: Setting
    _extraction: Extraction

    @property
    def model(self) -> ModelHandle:
        return self._selectors.loaded.model

    @property
    def directions(self) -> DirectionSet:
        return self._extraction.directions

    @property
    def contrast(self) -> ContrastSet:
        return self._looked_at(self._setting.contrast)

    @property
    def validation(self) -> ContrastSet:
        return self._looked_at(self._setting.validation)

    @property
    def prompts(self) -> tuple[Prompt, ...]:
        found = self._setting.selection.prompts
        self._selectors.look(self._setting, found)
        return found

    def _looked_at(self, contrast: ContrastSet) -> ContrastSet:
        self._selectors.look(self._setting, (*contrast.positive, *contrast.negative))
        return contrast

    def run(self, trials: Sequence[Trial], prompts: Sequence[Prompt] | None = None) -> list[Outcome]:
        return self._selectors.trials.try_out(self._setting, self._extraction, trials, prompts)
