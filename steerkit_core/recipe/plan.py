"""Recipe -> Plan: what will be run, what is shared, and what is known of the models beforehand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from attrs import evolve, frozen

from steerkit_core.components.model_spec import ModelSpec
from steerkit_core.errors import Problem, RecipeError, SteerkitError
from steerkit_core.plugin.registry import Registry
from steerkit_core.recipe.compatibility import find_model
from steerkit_core.recipe.model_files import FolderFacts
from steerkit_core.recipe.options import GenerationOptions
from steerkit_core.recipe.recipe import Recipe, Setting
from steerkit_core.values import Prompt, Trial


@frozen
class Group:
    """Settings that need the same model loaded; the unit that could run on its own machine.

    `folder` and `facts` are None for a model that is still on the hub. `lent` are settings of quantized
    groups whose directions are extracted in this group's model, which is not quantized; a group may have
    no other configurations, and then its model is loaded for the extraction alone.
    """

    spec: ModelSpec
    folder: Path | None
    facts: FolderFacts | None
    settings: tuple[Setting, ...]
    lent: tuple[Setting, ...] = ()

    @property
    def baselines(self) -> int:
        """How many baseline completions the group needs; equal prompts are generated once."""
        return sum(len(prompts) for prompts in _distinct(self.settings))

    @property
    def controls(self) -> int:
        """How many completions the controls need, at most: settings that choose one cell share them."""
        return sum(setting.controls.number * len(setting.evaluation.prompts) for setting in self.settings)

    @property
    def trials(self) -> int | None:
        """How many completions the selectors are sure to ask for; None if that is unknown."""
        return self._completions(lambda setting, layers: setting.trials(layers))

    @property
    def candidates(self) -> int | None:
        """How many completions it would be if they asked for all that they may; None if that is unknown."""
        return self._completions(
            lambda setting, layers: setting.selector.candidates(layers, setting.extractor.positions)
        )

    @property
    def most_completions(self) -> int | None:
        """All of them together: baseline, tried, chosen and controls; None if that is unknown."""
        chosen = sum(len(setting.evaluation.prompts) for setting in self.settings)
        tried = self.candidates
        return None if tried is None else self.baselines + tried + chosen + self.controls

    def _completions(self, trials: Callable[[Setting, int], Sequence[Trial]]) -> int | None:
        if self.facts is None or self.facts.num_layers is None:
            return None
        if not all(setting.extractor.positions for setting in self.settings):
            return None
        layers = self.facts.num_layers
        return sum(
            len(trials(setting, layers)) * len(setting.selection.prompts) for setting in self.settings
        )


@frozen
class Plan:
    """The groups of a recipe, in the order in which they run."""

    recipe: Recipe
    groups: tuple[Group, ...]

    @property
    def completions(self) -> int | None:
        """How many completions the run makes, at most; None where a selector does not say."""
        found = [group.most_completions for group in self.groups]
        return None if None in found else sum(size for size in found if size is not None)


def make_plan(recipe: Recipe, registry: Registry) -> Plan:
    """Group the settings of a recipe by model, and look at the models as far as that needs no loading.

    A model runs without quantization before it runs quantized, so that its directions are there to be
    carried over; where the recipe asks for them, such a group is made.

    Raises:
        RecipeError: a model that has gone since the recipe was read.
    """
    grouped: dict[ModelSpec, list[Setting]] = {}
    lent: dict[ModelSpec, list[Setting]] = {}
    for setting in recipe.settings:
        whole = evolve(setting.model, quantization="none")
        if setting.carried:
            lent.setdefault(whole, []).append(setting)
            grouped.setdefault(whole, [])
        grouped.setdefault(setting.model, []).append(setting)
    groups: list[Group] = []
    found: dict[Problem, None] = {}
    for spec in _whole_first(grouped):
        try:
            found_model = find_model(spec, registry)
            groups.append(Group(spec, *found_model, tuple(grouped[spec]), tuple(lent.get(spec, ()))))
        except SteerkitError as error:
            found[Problem("model.id", str(error))] = None
    if found:
        raise RecipeError(found)
    return Plan(recipe, tuple(groups))


def _whole_first(specs: Iterable[ModelSpec]) -> list[ModelSpec]:
    """In the order given, but every model's quantized forms together, behind the unquantized one."""
    ordered = list(specs)
    wholes = list(dict.fromkeys(evolve(spec, quantization="none") for spec in ordered))
    return sorted(
        ordered,
        key=lambda spec: (wholes.index(evolve(spec, quantization="none")), spec.quantization != "none"),
    )


def _distinct(settings: Sequence[Setting]) -> list[tuple[Prompt, ...]]:
    """The evaluation sets that differ in prompts or in how completions are generated."""
    found: dict[tuple[tuple[Prompt, ...], GenerationOptions], None] = {}
    for setting in settings:
        found[setting.evaluation.prompts, setting.generation] = None
    return [prompts for prompts, _ in found]
