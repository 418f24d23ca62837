"""Recipe -> Plan: what will be run, what is shared, and what is known of the models beforehand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from attrs import frozen

from steerkit_core.errors import Problem, RecipeError, SteerkitError
from steerkit_core.locate import FolderFacts, inspect_folder, locate
from steerkit_core.options import GenerationOptions, ModelSpec
from steerkit_core.recipe import Recipe, Setting
from steerkit_core.registry import Registry
from steerkit_core.values import Prompt, Trial


@frozen
class Group:
    """Settings that need the same model loaded; the unit that could run on a machine of its own.

    `folder` and `facts` are None for a model that is still on the hub.
    """

    spec: ModelSpec
    folder: Path | None
    facts: FolderFacts | None
    settings: tuple[Setting, ...]

    @property
    def baselines(self) -> int:
        """How many unsteered completions the group needs; equal prompts are generated once."""
        return sum(len(prompts) for prompts in _distinct(self.settings))

    @property
    def trials(self) -> int | None:
        """How many completions the selectors are sure to ask for; None if the depth is unknown."""
        if self.facts is None or self.facts.num_layers is None:
            return None
        return sum(
            len(trials_of(setting, self.facts.num_layers)) * len(setting.selection.prompts)
            for setting in self.settings
        )


@frozen
class Plan:
    """The groups of a recipe, in the order in which they run."""

    recipe: Recipe
    groups: tuple[Group, ...]


def make_plan(recipe: Recipe, registry: Registry) -> Plan:
    """Group the settings of a recipe by model, and look at the models as far as that needs no loading.

    Raises:
        RecipeError: a model that does not exist, or a layer that a model has not.
    """
    grouped: dict[ModelSpec, list[Setting]] = {}
    for setting in recipe.settings:
        grouped.setdefault(setting.model, []).append(setting)
    groups: list[Group] = []
    found: list[Problem] = []
    for spec, settings in grouped.items():
        try:
            folder = locate_model(spec, registry)
            trusted = spec.trust_remote_code
            facts = None if folder is None else inspect_folder(folder, trust_remote_code=trusted)
        except SteerkitError as error:
            found.append(Problem("model.id", str(error)))
            continue
        group = Group(spec, folder, facts, tuple(settings))
        found.extend(_check_trials(group))
        groups.append(group)
    if found:
        raise RecipeError(dict.fromkeys(found))
    return Plan(recipe, tuple(groups))


def locate_model(spec: ModelSpec, registry: Registry) -> Path | None:
    """The folder that a model id stands for; None for a hub repository.

    Raises:
        ModelError: the id stands for nothing.
    """
    answer = registry.host.first("steerkit_locate_model", id=spec.id)
    return locate(spec.id, None if answer is None else Path(answer))


def trials_of(setting: Setting, num_layers: int) -> tuple[Trial, ...]:
    """The trials that a setting's selector is sure to ask for.

    Raises:
        SteerkitError: it asks for a layer that is not there, or a multiplier where the site has none.
    """
    trials = setting.selector.trials(num_layers, setting.extractor.positions)
    for trial in trials:
        check_layer(trial.layer, num_layers)
        if trial.multiplier is not None and not setting.site.takes_multiplier:
            raise SteerkitError(
                f"selector {setting.selector.name!r} tries multipliers, but site {setting.site.name!r}"
                " takes none"
            )
    return trials


def check_layer(layer: int, num_layers: int) -> None:
    """Raise `SteerkitError` for a layer that a model of `num_layers` blocks has not."""
    if not 0 <= layer < num_layers:
        raise SteerkitError(f"the model has layers 0 to {num_layers - 1}, got layer {layer}")


def _check_trials(group: Group) -> Iterator[Problem]:
    if group.facts is None or group.facts.num_layers is None:
        return
    for setting in group.settings:
        try:
            setting.selector.check(group.facts.num_layers)
            trials_of(setting, group.facts.num_layers)
        except SteerkitError as error:
            yield Problem("selector", str(error))


def _distinct(settings: Sequence[Setting]) -> list[tuple[Prompt, ...]]:
    """The evaluation sets that differ in prompts or in how completions are generated."""
    found: dict[tuple[tuple[Prompt, ...], GenerationOptions], None] = {}
    for setting in settings:
        found[setting.evaluation.prompts, setting.generation] = None
    return [prompts for prompts, _ in found]
