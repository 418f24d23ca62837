"""Shared by commands that look at directions: which models, extractors and contrast sets a recipe has."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from steerkit_core.errors import SteerkitError

if TYPE_CHECKING:
    from steerkit_core.extraction.source_facts import SourceFacts
    from steerkit_core.model.handle import ModelHandle
    from steerkit_core.plugin.registry import Registry
    from steerkit_core.recipe.plan import Plan
    from steerkit_core.recipe.recipe import Setting


@frozen(eq=False)
class Source:
    """An extractor and a contrast set of a recipe, as `setting` has them, with the model that is read."""

    model: ModelHandle
    setting: Setting

    @property
    def facts(self) -> SourceFacts:
        """What says in a report which it is."""
        from steerkit_core.extraction.source_facts import SourceFacts

        return SourceFacts.of(self.model, self.setting.extractor, self.setting.contrast)


def plan_of(recipe: str, registry: Registry, changes: Sequence[str], against: str | None = None) -> Plan:
    """The plan of a recipe; `against` becomes its validation set, and is checked as one."""
    from steerkit_core.recipe.parsing import find_recipe, load_recipe
    from steerkit_core.recipe.plan import make_plan

    if against is not None:
        # a file is looked for where the command is given, and not beside the recipe
        named = str(Path(against).absolute()) if Path(against).is_file() else against
        changes = (*changes, f"prompts.validation={json.dumps(named)}")
    return make_plan(load_recipe(find_recipe(recipe, registry), registry, changes), registry)


def distinct(plan: Plan) -> list[list[Setting]]:
    """The configurations of each group of a plan that differ in extractor or contrast set."""
    found: list[list[Setting]] = []
    for group in plan.groups:
        kept: list[Setting] = []
        for setting in (*(one for one in group.settings if not one.carried), *group.lent):
            if all((one.extractor, one.contrast) != (setting.extractor, setting.contrast) for one in kept):
                kept.append(setting)
        found.append(kept)
    return found


def sources(plan: Plan, registry: Registry, say: Callable[[str], None]) -> Iterator[Source]:
    """Each thing to look at, model by model; a model is let go of before the next is loaded."""
    import gc

    from steerkit_core.model.load_model import load_model

    for group, settings in zip(plan.groups, distinct(plan), strict=True):
        if not settings:
            continue
        say(f"loading {group.spec.label}")
        model = load_model(group, registry)
        for setting in settings:
            yield Source(model, setting)
        del model
        gc.collect()


def numbers(text: str | None, option: str) -> tuple[int, ...] | None:
    """Whole numbers with commas between them, in order and each once; None stays None.

    Raises:
        SteerkitError: one is no number, or there is none.
    """
    if text is None:
        return None
    words = [word.strip() for word in text.split(",") if word.strip()]
    wrong = next((word for word in words if not word.isdecimal()), None)
    if wrong is not None or not words:
        raise SteerkitError(f"{option}: expected comma-separated whole numbers, got {text!r}")
    return tuple(sorted({int(word) for word in words}))


def layers_of(asked: Sequence[int] | None, num_layers: int) -> tuple[int, ...]:
    """The layers that are asked for, by default all.

    Raises:
        SteerkitError: the model has no such layer.
    """
    for layer in asked or ():
        if layer >= num_layers:
            raise SteerkitError(f"--layers: layer {layer} is outside 0..{num_layers - 1}")
    return tuple(range(num_layers)) if asked is None else tuple(asked)


def output_folder(out: Path | None, name: str) -> Path:
    """Where to write; by default below `runs/`.

    Raises:
        SteerkitError: it is a run, or a file.
    """
    from steerkit_core.results.files import MANIFEST

    folder = out or Path("runs") / name
    if (folder / MANIFEST).exists():
        raise SteerkitError(f"--out: {folder} is a run directory: name another folder")
    if folder.exists() and not folder.is_dir():
        raise SteerkitError(f"--out: {folder} is not a folder: name another")
    return folder


def write_report(folder: Path, name: str, report: object) -> Path:
    """Write a report into a folder that is made where it is missing."""
    from steerkit_core.results.converter import unstructured

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    found = unstructured(report)
    path.write_text(json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False) + "\n", "utf-8")
    return path
