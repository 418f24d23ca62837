"""The tables of a document, each as what it stands for: options, components, prompts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar, cast

import attrs
from attrs import define, field, frozen
from cattrs import Converter

from steerkit_core.components import Classifier, Component, Extractor, LayerSelector, Site
from steerkit_core.components.core_keys import CORE_KEYS, ExtractionOptions
from steerkit_core.components.model_spec import ModelSpec
from steerkit_core.errors import Problem, SteerkitError
from steerkit_core.plugin.registry import Registry
from steerkit_core.recipe.compatibility import reading_what_is_edited
from steerkit_core.recipe.converter import make_converter, problems
from steerkit_core.recipe.lookup import prompts_named
from steerkit_core.recipe.options import (
    CalibrationOptions,
    ControlOptions,
    GenerationOptions,
    PromptOptions,
)
from steerkit_core.recipe.prompts import contrast_set, evaluation_prompts, repeated
from steerkit_core.recipe.recipe import NamedPrompts, Setting
from steerkit_core.values import ContrastSet, Prompt

T = TypeVar("T")
Document = Mapping[str, object]


@define
class ProblemLog:
    """What is wrong with a recipe, in the order in which it was found, each thing once."""

    found: list[Problem] = field(factory=list)

    def note(self, problems: Iterable[Problem]) -> None:
        """Add problems that are not known yet."""
        self.found.extend(problem for problem in problems if problem not in self.found)

    @contextmanager
    def noting(self, where: str) -> Iterator[None]:
        """Whatever is refused inside is a problem at `where`."""
        try:
            yield
        except SteerkitError as error:
            self.note([Problem(where, str(error))])


@frozen(kw_only=True)
class Parts:
    """What a configuration is made of; None for a part that has a problem."""

    model: ModelSpec | None
    contrast: ContrastSet | None
    validation: ContrastSet | None
    evaluation: NamedPrompts | None
    selection: NamedPrompts | None
    extractor: Extractor | None
    extraction: ExtractionOptions | None
    selector: LayerSelector | None
    site: Site | None
    classifier: Classifier | None
    generation: GenerationOptions | None
    calibration: CalibrationOptions | None
    controls: ControlOptions | None

    def setting(self, overrides: Mapping[str, object]) -> Setting | None:
        """The configuration, if nothing is wrong with any part."""
        parts = attrs.asdict(self, recurse=False)
        if any(part is None for part in parts.values()):
            return None
        return Setting(**parts, overrides=overrides)


@frozen(kw_only=True)
class _PromptParts:
    """The prompts among the parts."""

    contrast: ContrastSet | None = None
    validation: ContrastSet | None = None
    evaluation: NamedPrompts | None = None
    selection: NamedPrompts | None = None


@define
class PartsReader:
    """Builds the parts of a document, and notes what is wrong with them; prompts are read once."""

    registry: Registry
    folder: Path
    log: ProblemLog = field(factory=ProblemLog)
    _converter: Converter = field(factory=make_converter)
    _read: dict[str, tuple[Prompt, ...]] = field(factory=dict)

    def read(self, document: Document) -> Parts:
        """All parts of one document, whose grid plays no part."""
        model = self.options(document, "model", ModelSpec)
        asked = self.options(document, "prompts", PromptOptions)
        generation = self.options(document, "generation", GenerationOptions)
        calibration = self.options(document, "calibration", CalibrationOptions)
        controls = self.options(document, "controls", ControlOptions)
        extractor = cast("Extractor | None", self._component(document, "extractor"))
        selector = cast("LayerSelector | None", self._component(document, "selector"))
        site = cast("Site | None", self._component(document, "site"))
        classifier = cast("Classifier | None", self._component(document, "classifier"))
        given = document.get("extractor", {})
        if extractor is not None and site is not None:
            extractor = reading_what_is_edited(extractor, site, cast("Document", given))
        extraction = self._core_keys(given)
        prompts = self._prompts(asked, 1 if generation is None else generation.repeats)
        return Parts(
            model=model,
            contrast=prompts.contrast,
            validation=prompts.validation,
            evaluation=prompts.evaluation,
            selection=prompts.selection,
            extractor=extractor,
            extraction=extraction,
            selector=selector,
            site=site,
            classifier=classifier,
            generation=generation,
            calibration=calibration,
            controls=controls,
        )

    def options(self, document: Document, table: str, cl: type[T]) -> T | None:
        """The options of a table."""
        return self._structure(document.get(table, {}), cl, table)

    def _structure(self, table: object, cl: type[T], where: str, shared: Sequence[str] = ()) -> T | None:
        """An attrs class from a table; `shared` are keys that belong there too and are read elsewhere."""
        try:
            return self._converter.structure(table, cl)
        except Exception as error:  # noqa: BLE001  # reason: cattrs raises groups of any exception
            self.log.note(problems(error, where, (*_names(cl), *shared), shared))
            return None

    def _core_keys(self, table: object) -> ExtractionOptions | None:
        """What an extractor's table says that is the core's and no extractor's."""
        known = _names(ExtractionOptions)
        given = table if isinstance(table, dict) else {}
        own = {key: given[key] for key in given if key in known}
        return self._structure(own, ExtractionOptions, "extractor")

    def _component(self, document: Document, word: str) -> Component | None:
        """The component that a table names with `use`, built from the keys that are not the core's."""
        table = document.get(word, {})
        if not isinstance(table, dict):
            self.log.note([Problem(word, f"expected a table, got {table!r}")])
            return None
        shared = () if word not in CORE_KEYS else _names(CORE_KEYS[word])
        options = {key: value for key, value in table.items() if key not in shared}
        use = options.pop("use", None)
        if use is None:
            names = ", ".join(self.registry.names(word))
            fault = f"required, but not given (installed: {names or 'none'})"
            self.log.note([Problem(f"{word}.use", fault)])
            return None
        if not isinstance(use, str):
            self.log.note([Problem(f"{word}.use", f"expected a string, got {use!r}")])
            return None
        try:
            component = self.registry.get(word, use)
        except SteerkitError as error:
            self.log.note([Problem(f"{word}.use", str(error))])
            return None
        return self._structure(options, component, word, shared)

    def _prompts(self, asked: PromptOptions | None, times: int) -> _PromptParts:
        """The sets that the table `[prompts]` names, those that are completed so many times over."""
        if asked is None:
            return _PromptParts()
        completed = partial(_completed, times=times)
        where = "prompts.selection" if asked.selection else "prompts.evaluation"
        contrast = self._named(asked.contrast, "prompts.contrast", contrast_set)
        evaluation = self._named(asked.evaluation, "prompts.evaluation", completed)
        selection = self._named(asked.selection or asked.evaluation, where, completed)
        validation = contrast
        if asked.validation:
            validation = self._named(asked.validation, "prompts.validation", contrast_set)
        return _PromptParts(
            contrast=contrast, validation=validation, evaluation=evaluation, selection=selection
        )

    def _named(self, name: str, where: str, make: Callable[[str, tuple[Prompt, ...]], T]) -> T | None:
        """The prompts of a set or file, made into what they are needed as."""
        try:
            if name not in self._read:
                self._read[name] = prompts_named(name, self.registry, self.folder)
            return make(name, self._read[name])
        except SteerkitError as error:
            self.log.note(Problem(where, line) for line in str(error).splitlines())
            return None


def _names(cl: type) -> tuple[str, ...]:
    return tuple(attrs.fields_dict(cl))


def _completed(name: str, prompts: tuple[Prompt, ...], *, times: int) -> NamedPrompts:
    return NamedPrompts(name, repeated(name, evaluation_prompts(name, prompts), times))
