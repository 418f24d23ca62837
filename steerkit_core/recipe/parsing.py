"""TOML -> Recipe: a document becomes built components and prompts, or a list of all its problems.

Nothing here imports torch, so that a typing mistake costs no start-up time.
"""

from __future__ import annotations

import copy
import itertools
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

import attrs
from attrs import field, frozen

from steerkit_core.components import Classifier, Component, Extractor, LayerSelector, Site
from steerkit_core.components.core_keys import CORE_KEYS, ExtractionOptions
from steerkit_core.components.model_spec import ModelSpec
from steerkit_core.errors import Problem, RecipeError, SteerkitError, nearest
from steerkit_core.files.fingerprints import document_fingerprint
from steerkit_core.files.fingerprints import fingerprint as fingerprint  # noqa: PLC0414  # reason: its old place
from steerkit_core.plugin.registry import Registry
from steerkit_core.recipe.compatibility import (
    check_calibration,
    check_fit,
    check_modules,
    check_remote,
    find_model,
    reading_what_is_edited,
    trials_of,
)
from steerkit_core.recipe.converter import make_converter, problems, unknown_key
from steerkit_core.recipe.direction_sources import check_sources
from steerkit_core.recipe.lookup import prompts_named
from steerkit_core.recipe.model_files import FolderFacts
from steerkit_core.recipe.options import (
    CalibrationOptions,
    ControlOptions,
    GenerationOptions,
    PromptOptions,
    RunOptions,
)
from steerkit_core.recipe.prompts import contrast_set, evaluation_prompts, repeated
from steerkit_core.values import ContrastSet, Prompt, Trial

T = TypeVar("T")

OPTION_TABLES: dict[str, type] = {
    "run": RunOptions,
    "model": ModelSpec,
    "prompts": PromptOptions,
    "generation": GenerationOptions,
    "calibration": CalibrationOptions,
    "controls": ControlOptions,
}
COMPONENT_TABLES: dict[str, type[Component]] = {
    "extractor": Extractor,
    "selector": LayerSelector,
    "site": Site,
    "classifier": Classifier,
}
TABLES = ("run", "model", "prompts", *COMPONENT_TABLES, "generation", "calibration", "controls", "grid")
# options that no result depends on, so that a grid over them would show one number several times
WITHOUT_EFFECT = {
    "model.backend": (
        "backends are ways to the same tensors, and a completion is made once: run 'steerkit parity MODEL',"
        " or the recipe once for each backend with another --out"
    ),
}


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
    """One point of the grid: everything that a pipeline needs, built and checked.

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
    overrides: Mapping[str, Any]
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
    """A checked recipe. `text` is what will be kept in the run directory.

    `changes` are those of `--set`, which the text has in it;
    `excluded` are pairs of models that were left out, with the reason, where models were put into pairs.
    """

    run: RunOptions
    settings: tuple[Setting, ...]
    document: Mapping[str, Any]
    text: str
    source: str
    excluded: tuple[Mapping[str, Any], ...] = ()
    changes: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what the recipe says; see `document_fingerprint`."""
        return document_fingerprint(self.document)


def find_recipe(name: str, registry: Registry) -> Path:
    """The file that `name` means: a path, or the name of a shipped recipe.

    Raises:
        RecipeError: it is neither, or two plugins ship it.
    """
    path = Path(name)
    if path.is_file():
        return path
    if ("recipe", name) in registry.clashes:
        raise RecipeError([Problem("", registry.clashes["recipe", name])])
    if name in registry.recipes:
        return registry.recipes[name]
    shipped = sorted(registry.recipes)
    raise RecipeError(
        [
            Problem(
                "",
                f"no recipe {name!r}: no such file{nearest(name, shipped)} (shipped: {', '.join(shipped)})",
            )
        ]
    )


def load_recipe(path: Path, registry: Registry, changes: Sequence[str] = ()) -> Recipe:
    """Read, change and check a recipe.

    Args:
        path: a TOML file; prompt files in it are relative to its folder, or else to the current one.
        registry: the installed components.
        changes: `table.key=value` or `table={...}` lines, the value as TOML would write it; a bare word is
            a string.

    Raises:
        RecipeError: everything that is wrong with it, one line each.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")  # some editors write a byte order mark
    except UnicodeDecodeError as error:
        raise RecipeError(
            [Problem(str(path), f"not UTF-8 at byte {error.start}: save the file as UTF-8")]
        ) from None
    except OSError as error:
        raise RecipeError([Problem(str(path), f"cannot be read: {error.strerror}")]) from None
    return parse_recipe(text, registry, changes, source=str(path), folder=path.parent)


def parse_recipe(
    text: str,
    registry: Registry,
    changes: Sequence[str] = (),
    *,
    source: str = "recipe",
    folder: Path = Path(),
) -> Recipe:
    """Check a recipe that is already in memory; see `load_recipe`."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError([Problem(source, f"not TOML: {_lower(str(error))}")]) from None
    if changes:
        text, document = apply_changes(text, changes)
    builder = _Builder(registry, folder)
    run, settings = builder.recipe(document)
    if builder.found:
        raise RecipeError(builder.found)
    named = cast("RunOptions", run)
    return Recipe(named, tuple(settings), document, text, source, changes=tuple(changes))


def apply_changes(text: str, changes: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """Set `table.key=value` in a TOML text, keeping its comments; returns the text and what it says.

    `table={...}` replaces a whole table, as a component that is changed for another needs it.

    Raises:
        RecipeError: a change is not of that form.
    """
    import tomlkit

    document = tomlkit.parse(text)
    faults: list[Problem] = []
    for change in changes:
        place, equals, value = change.partition("=")
        table, dot, key = place.strip().partition(".")
        found = toml_value(value.strip())
        whole = not dot and isinstance(found, dict)
        if not (equals and table and (key or whole)):
            message = f"expected table.key=value or table={{...}}, got {change!r}"
            faults.append(Problem("--set", message))
        elif whole:
            document[table] = found
        elif not isinstance(document.setdefault(table, tomlkit.table()), dict):
            faults.append(Problem("--set", f"{table} is not a table, in {change!r}"))
        else:
            cast("dict[str, Any]", document[table])[key.strip('"')] = found
    if faults:
        raise RecipeError(faults)
    changed = tomlkit.dumps(document)
    return changed, tomllib.loads(changed)


def toml_value(text: str) -> Any:
    """A value as TOML would write it; a bare word is a string."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


@attrs.define
class _Builder:
    """Builds a recipe's parts and gathers the problems of all of them."""

    registry: Registry
    folder: Path
    found: list[Problem] = attrs.field(factory=list)
    converter: Any = attrs.field(factory=make_converter)
    read: dict[str, tuple[Prompt, ...]] = attrs.field(factory=dict)
    models: dict[ModelSpec, FolderFacts | None] = attrs.field(factory=dict)

    def recipe(self, document: Mapping[str, Any]) -> tuple[RunOptions | None, list[Setting]]:
        for table in document:
            if table not in TABLES:
                self.found.append(Problem(table, unknown_key("table", table, TABLES)))
        run = self.structure(document.get("run", {}), RunOptions, "run")
        self.parts(document)
        axes = self.axes(document)
        self.check_axes(document, axes)
        return run, list(self.grid(document, axes))

    def axes(self, document: Mapping[str, Any]) -> dict[str, list[Any]]:
        grid = document.get("grid", {})
        if not isinstance(grid, dict):
            self.found.append(Problem("grid", f"expected a table, got {grid!r}"))
            return {}
        axes: dict[str, list[Any]] = {}
        for place, values in _flatten(grid):
            table = place.partition(".")[0]
            if table not in TABLES or table in ("run", "grid"):
                known = [name for name in TABLES if name not in ("run", "grid")]
                self.found.append(Problem(f'grid."{place}"', unknown_key("table", table, known)))
            elif place in WITHOUT_EFFECT:
                self.found.append(Problem(f'grid."{place}"', f"not an axis: {WITHOUT_EFFECT[place]}"))
            elif not isinstance(values, list) or not values:
                self.found.append(Problem(f'grid."{place}"', f"expected a list of values, got {values!r}"))
            elif len({fingerprint(value) for value in values}) < len(values):
                self.found.append(Problem(f'grid."{place}"', f"the same value twice in {values!r}"))
            elif "." not in place or isinstance(document.get(table, {}), dict):
                axes[place] = values
        return axes

    def check_axes(self, document: Mapping[str, Any], axes: Mapping[str, list[Any]]) -> None:
        """Try every value by itself, so that a bad one is reported once and where it stands."""
        for place, values in axes.items():
            for index, value in enumerate(values):
                before = len(self.found)
                self.parts(_changed(document, {place: value}))
                for number in range(before, len(self.found)):
                    problem = self.found[number]
                    message = problem.message if problem.where == place else str(problem)
                    self.found[number] = Problem(f'grid."{place}"[{index}]', message)

    def grid(self, document: Mapping[str, Any], axes: Mapping[str, list[Any]]) -> Iterator[Setting]:
        """The settings whose parts are all well; without axes the recipe itself is the only one.

        What is wrong with single values is known by now, so only their combinations add problems.
        """
        for values in itertools.product(*axes.values()):
            overrides = dict(zip(axes, values, strict=True))
            known = list(self.found)
            parts = self.parts(_changed(document, overrides))
            if known:
                self.found = known
            self.check_model(parts["model"])
            self.check_judges(parts["classifier"])
            self.check_fit(parts)
            self.check_prompts(parts)
            if parts["extractor"] is not None and parts["model"] is not None:
                self.note(check_sources(parts["extractor"], parts["model"], self.registry))
            self.check_dose(parts)
            if all(part is not None for part in parts.values()):
                yield Setting(**parts, overrides=overrides)

    def parts(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """What a setting is made of; None for a part that has a problem (which is noted)."""
        parts: dict[str, Any] = {
            table: self.structure(document.get(table, {}), cl, table)
            for table, cl in OPTION_TABLES.items()
            if table != "run"
        }
        parts |= {table: self.component(document.get(table, {}), table) for table in COMPONENT_TABLES}
        extractor = document.get("extractor", {})
        if parts["extractor"] is not None and parts["site"] is not None:
            parts["extractor"] = reading_what_is_edited(parts["extractor"], parts["site"], extractor)
        parts["extraction"] = self.core_keys(extractor, "extractor")
        prompts = cast("PromptOptions | None", parts.pop("prompts"))
        parts |= dict.fromkeys(("contrast", "evaluation", "selection", "validation"))
        if prompts is not None:
            selection = prompts.selection or prompts.evaluation
            where = "prompts.selection" if prompts.selection else "prompts.evaluation"
            times = 1 if parts["generation"] is None else parts["generation"].repeats
            asked = partial(_named, times=times)
            parts["contrast"] = self.prompts(prompts.contrast, "prompts.contrast", contrast_set)
            parts["evaluation"] = self.prompts(prompts.evaluation, "prompts.evaluation", asked)
            parts["selection"] = self.prompts(selection, where, asked)
            parts["validation"] = parts["contrast"]
            if prompts.validation:
                parts["validation"] = self.prompts(prompts.validation, "prompts.validation", contrast_set)
        return parts

    def check_model(self, spec: ModelSpec | None) -> None:
        """Look for a model, once for every spec, and note one that is not there."""
        if spec is None or spec in self.models:
            return
        self.models[spec] = None
        try:
            folder, self.models[spec] = find_model(spec, self.registry)
        except SteerkitError as error:
            self.note([Problem("model.id", str(error))])
            return
        try:
            check_remote(spec, folder)
        except SteerkitError as error:
            self.note([Problem("model.remote", str(error))])

    def check_judges(self, classifier: Classifier | None) -> None:
        """Look for the models that a classifier judges with."""
        models = {} if classifier is None else classifier.models
        for option, spec in models.items():
            try:
                find_model(spec, self.registry)
            except SteerkitError as error:
                self.note([Problem(f"classifier.{option}", str(error))])

    def check_fit(self, parts: Mapping[str, Any]) -> None:
        """Note a selector that asks the model for what it has not."""
        facts = None if parts["model"] is None else self.models[parts["model"]]
        selector, extractor, site = parts["selector"], parts["extractor"], parts["site"]
        if extractor is not None and site is not None:
            try:
                check_modules(extractor, site)
            except SteerkitError as error:
                self.note([Problem("site", str(error))])
        if facts is None or facts.num_layers is None or None in (selector, extractor, site):
            return
        try:
            check_fit(selector, extractor, site, facts.num_layers)
        except SteerkitError as error:
            self.note([Problem("selector", str(error))])

    def check_prompts(self, parts: Mapping[str, Any]) -> None:
        """Note contrast and validation prompts that extractor or selector cannot work with."""
        contrast, validation = parts["contrast"], parts["validation"]
        extractor, selector = parts["extractor"], parts["selector"]
        if None not in (contrast, extractor):
            try:
                extractor.check_prompts(contrast)
            except SteerkitError as error:
                self.note([Problem("prompts.contrast", str(error))])
        if None not in (contrast, validation, selector):
            try:
                selector.check_prompts(contrast, validation)
            except SteerkitError as error:
                self.note([Problem("selector", str(error))])

    def check_dose(self, parts: Mapping[str, Any]) -> None:
        """Note repeats that would all be the same, and strengths that are both given and searched."""
        generation, calibration = parts["generation"], parts["calibration"]
        if generation is not None and generation.repeats > 1 and generation.temperature == 0.0:
            message = (
                f"{generation.repeats} greedy completions of a prompt are one, {generation.repeats} times"
                " over: set generation.temperature above 0, or leave repeats out"
            )
            self.note([Problem("generation.repeats", message)])
        if calibration is None or None in (parts["selector"], parts["site"]):
            return
        try:
            check_calibration(calibration, parts["selector"], parts["site"])
        except SteerkitError as error:
            self.note([Problem("calibration", str(error))])

    def structure(self, table: Any, cl: type[T], where: str, shared: Sequence[str] = ()) -> T | None:
        """An attrs class from a table; `shared` are keys that belong there too and are read elsewhere."""
        try:
            return cast("T", self.converter.structure(table, cl))
        except Exception as error:  # noqa: BLE001  # reason: cattrs raises groups of any exception
            self.note(problems(error, where, (*_names(cl), *shared), shared))
            return None

    def core_keys(self, table: Any, word: str) -> Any:
        """What a component's table says that is the core's and no component's."""
        cl = CORE_KEYS[word]
        known = _names(cl)
        given = table if isinstance(table, dict) else {}
        return self.structure({key: given[key] for key in given if key in known}, cl, word)

    def component(self, table: Any, word: str) -> Component | None:
        """The component that a table names with `use`, built from the keys that are not the core's."""
        if not isinstance(table, dict):
            self.note([Problem(word, f"expected a table, got {table!r}")])
            return None
        shared = () if word not in CORE_KEYS else _names(CORE_KEYS[word])
        options = {key: value for key, value in table.items() if key not in shared}
        use = options.pop("use", None)
        if use is None:
            names = ", ".join(self.registry.names(word))
            self.note([Problem(f"{word}.use", f"required, but not given (installed: {names or 'none'})")])
            return None
        if not isinstance(use, str):
            self.note([Problem(f"{word}.use", f"expected a string, got {use!r}")])
            return None
        try:
            cl = self.registry.get(word, use)
        except SteerkitError as error:
            self.note([Problem(f"{word}.use", str(error))])
            return None
        return self.structure(options, cl, word, shared)

    def prompts(self, name: str, where: str, make: Callable[[str, tuple[Prompt, ...]], T]) -> T | None:
        """The prompts of a set or file, read once, made into what they are needed as."""
        try:
            if name not in self.read:
                self.read[name] = prompts_named(name, self.registry, self.folder)
            return make(name, self.read[name])
        except SteerkitError as error:
            self.note(Problem(where, line) for line in str(error).splitlines())
            return None

    def note(self, found: Any) -> None:
        self.found.extend(problem for problem in found if problem not in self.found)


def _names(cl: type) -> tuple[str, ...]:
    return tuple(attribute.name for attribute in attrs.fields(cast("Any", cl)))


def _named(name: str, prompts: tuple[Prompt, ...], *, times: int) -> NamedPrompts:
    return NamedPrompts(name, repeated(name, evaluation_prompts(name, prompts), times))


def _flatten(grid: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """`{"site.multiplier": [...]}` and `{"site": {"multiplier": [...]}}` alike, as dotted places."""
    for key, value in grid.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _changed(document: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The document with dotted places set.

    A place without a dot is a table: of an option table the given keys are set and the others stay; a
    component's table is replaced, as the options of one component mean nothing to the next.
    """
    changed = copy.deepcopy({table: value for table, value in document.items() if table != "grid"})
    for place, value in overrides.items():
        table, dot, key = place.partition(".")
        if dot:
            changed.setdefault(table, {})[key] = value
        elif isinstance(value, dict) and table in OPTION_TABLES:
            changed[table] = {**changed.get(table, {}), **value}
        else:
            changed[table] = value
    return changed
