"""A document -> its configurations, or a list of all its problems.

Nothing here imports torch, so that a typing mistake costs no start-up time.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from attrs import define, field

from steerkit_core.components import Classifier
from steerkit_core.components.model_spec import ModelSpec
from steerkit_core.errors import Problem, RecipeError
from steerkit_core.plugin.registry import Registry
from steerkit_core.recipe.compatibility import (
    check_calibration,
    check_fit,
    check_modules,
    check_remote,
    find_model,
)
from steerkit_core.recipe.converter import unknown_key
from steerkit_core.recipe.direction_sources import check_sources
from steerkit_core.recipe.grid import Axes, at_point, read_axes
from steerkit_core.recipe.model_files import FolderFacts
from steerkit_core.recipe.options import RunOptions, TransferOptions
from steerkit_core.recipe.parts import Document, Parts, PartsReader, ProblemLog
from steerkit_core.recipe.recipe import Setting
from steerkit_core.recipe.tables import TABLES, TRANSFER


@define
class RecipeChecker:
    """Checks the documents of one recipe; models and prompts are looked up once."""

    registry: Registry
    folder: Path
    log: ProblemLog = field(factory=ProblemLog)
    _models: dict[ModelSpec, FolderFacts | None] = field(factory=dict)
    _reader: PartsReader = field()

    @_reader.default
    def _new_reader(self) -> PartsReader:
        return PartsReader(self.registry, self.folder, self.log)

    def check(self, document: Document) -> tuple[RunOptions, TransferOptions | None, tuple[Setting, ...]]:
        """What a recipe is called, the pairs of models that it asks for, and its settings.

        Raises:
            RecipeError: everything that is wrong with it.
        """
        for table in document:
            if table not in (*TABLES, TRANSFER):
                self.log.note([Problem(table, unknown_key("table", table, TABLES))])
        run = self._reader.options(document, "run", RunOptions)
        asked = None
        if TRANSFER in document:
            asked = self._reader.options(document, TRANSFER, TransferOptions)
        settings = self.settings(document)
        return cast("RunOptions", run), asked, settings

    def settings(self, document: Document) -> tuple[Setting, ...]:
        """The configurations of a document, one for each point of its grid.

        Raises:
            RecipeError: everything that is wrong with it.
        """
        self._reader.read(document)
        axes, faults = read_axes(document)
        self.log.note(faults)
        self._check_axes(document, axes)
        found = list(self._grid(document, axes))
        if self.log.found:
            raise RecipeError(self.log.found)
        return tuple(found)

    def _check_axes(self, document: Document, axes: Axes) -> None:
        """Try every value by itself, so that a bad one is reported once and where it stands."""
        found = self.log.found
        for place, values in axes.items():
            for index, value in enumerate(values):
                before = len(found)
                self._reader.read(at_point(document, {place: value}))
                for number in range(before, len(found)):
                    problem = found[number]
                    message = problem.message if problem.where == place else str(problem)
                    found[number] = Problem(f'grid."{place}"[{index}]', message)

    def _grid(self, document: Document, axes: Axes) -> Iterator[Setting]:
        """The configurations whose parts are all well; without axes the recipe itself is the only one.

        What is wrong with single values is known by now, so only their combinations add problems.
        """
        for values in itertools.product(*axes.values()):
            overrides = dict(zip(axes, values, strict=True))
            known = len(self.log.found)
            parts = self._reader.read(at_point(document, overrides))
            if known:
                del self.log.found[known:]
            self._check_model(parts.model)
            self._check_judges(parts.classifier)
            self._check_fit(parts)
            self._check_prompts(parts)
            if parts.extractor is not None and parts.model is not None:
                self.log.note(check_sources(parts.extractor, parts.model, self.registry))
            self._check_repeats(parts)
            self._check_strength(parts)
            setting = parts.setting(overrides)
            if setting is not None:
                yield setting

    def _check_model(self, spec: ModelSpec | None) -> None:
        """Look for a model, once for every spec, and note one that is not there."""
        if spec is None or spec in self._models:
            return
        self._models[spec] = None
        with self.log.noting("model.id"):
            folder, self._models[spec] = find_model(spec, self.registry)
            with self.log.noting("model.remote"):
                check_remote(spec, folder)

    def _check_judges(self, classifier: Classifier | None) -> None:
        """Look for the models that a classifier judges with."""
        models = {} if classifier is None else classifier.models
        for option, spec in models.items():
            with self.log.noting(f"classifier.{option}"):
                find_model(spec, self.registry)

    def _check_fit(self, parts: Parts) -> None:
        """Note a selector that asks for what the model lacks."""
        if parts.extractor is None or parts.site is None:
            return
        with self.log.noting("site"):
            check_modules(parts.extractor, parts.site)
        facts = None if parts.model is None else self._models[parts.model]
        if facts is None or facts.num_layers is None or parts.selector is None:
            return
        with self.log.noting("selector"):
            check_fit(parts.selector, parts.extractor, parts.site, facts.num_layers)

    def _check_prompts(self, parts: Parts) -> None:
        """Note contrast and validation prompts that extractor or selector cannot work with."""
        if parts.contrast is None:
            return
        if parts.extractor is not None:
            with self.log.noting("prompts.contrast"):
                parts.extractor.check_prompts(parts.contrast)
        if parts.validation is not None and parts.selector is not None:
            with self.log.noting("selector"):
                parts.selector.check_prompts(parts.contrast, parts.validation)

    def _check_repeats(self, parts: Parts) -> None:
        """Note repeats that would all be the same."""
        generation = parts.generation
        if generation is not None and generation.repeats > 1 and generation.temperature == 0.0:
            message = (
                f"{generation.repeats} greedy completions of a prompt are one, {generation.repeats} times"
                " over: set generation.temperature above 0, or leave repeats out"
            )
            self.log.note([Problem("generation.repeats", message)])

    def _check_strength(self, parts: Parts) -> None:
        """Note strengths that are both given and searched."""
        if parts.calibration is None or parts.selector is None or parts.site is None:
            return
        with self.log.noting("calibration"):
            check_calibration(parts.calibration, parts.selector, parts.site)
