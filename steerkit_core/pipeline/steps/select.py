"""SELECT: ask each configuration's selector for a layer, a position and a multiplier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from steerkit_core.files.fingerprints import fingerprint
from steerkit_core.pipeline.steps.group import LoadedGroup
from steerkit_core.pipeline.steps.trials import Trials
from steerkit_core.pipeline.steps.under_way import UnderWay
from steerkit_core.recipe.compatibility import check_layer
from steerkit_core.values import ContrastSet, DirectionSet, Outcome, Prompt, Selection, Trial

if TYPE_CHECKING:
    from steerkit_core.model.handle import ModelHandle

# what a selector that tries nothing can know: itself, the extraction, and three sets of prompts
Seen = tuple[str, str, ContrastSet, ContrastSet, tuple[Prompt, ...]]


@define(eq=False)
class Selectors:
    """The selectors of a group's configurations, and what those have chosen that needed no trial."""

    loaded: LoadedGroup
    trials: Trials
    _untried: dict[Seen, tuple[Selection, frozenset[str]]] = field(factory=dict)

    def select(self, way: UnderWay) -> Selection:
        """SELECT: ask the setting's selector, once for all settings that give it the same to look at.

        One that has tried nothing cannot know of site, classifier and generation.

        Raises:
            SteerkitError: it chose a layer outside the model.
        """
        setting = way.setting
        own = fingerprint(self.loaded.identity("selector", setting.selector))
        seen = (setting.contrast, setting.validation, setting.selection.prompts)
        key = (own, way.extraction.key, *seen)
        if key in self._untried:
            known, texts = self._untried[key]
            way.read = set(texts)
            return known
        with self.loaded.blamed("selector", setting.selector):
            selection = setting.selector.select(_Context(self, way))
        check_layer(selection.layer, self.loaded.model.num_layers)
        if not way.outcomes:
            self._untried[key] = selection, frozenset(way.read)
        return selection


@frozen(eq=False)
class _Context:
    """What a selector sees of a run."""

    _selectors: Selectors
    _way: UnderWay

    @property
    def model(self) -> ModelHandle:
        return self._selectors.loaded.model

    @property
    def directions(self) -> DirectionSet:
        return self._way.extraction.directions

    @property
    def contrast(self) -> ContrastSet:
        return self._looked_at(self._way.setting.contrast)

    @property
    def validation(self) -> ContrastSet:
        return self._looked_at(self._way.setting.validation)

    @property
    def prompts(self) -> tuple[Prompt, ...]:
        found = self._way.setting.selection.prompts
        self._way.look(found)
        return found

    def _looked_at(self, contrast: ContrastSet) -> ContrastSet:
        self._way.look((*contrast.positive, *contrast.negative))
        return contrast

    def run(self, trials: Sequence[Trial], prompts: Sequence[Prompt] | None = None) -> list[Outcome]:
        return self._selectors.trials.try_out(self._way, trials, prompts)
