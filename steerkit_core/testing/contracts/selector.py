"""The contract of layer selectors."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

import pytest
import torch
from attrs import define, field

from steerkit_core.components import LayerSelector
from steerkit_core.errors import SteerkitError
from steerkit_core.recipe.prompts import contrast_set
from steerkit_core.testing.contracts.component import ComponentContract
from steerkit_core.testing.installed import installed_adapters
from steerkit_core.testing.prompts import KitContrast, KitNeutral
from steerkit_core.testing.small_run import small_run
from steerkit_core.testing.tiny import tiny_handle
from steerkit_core.values import ContrastSet, DirectionSet, Outcome, Prompt, Selection, Trial

if TYPE_CHECKING:
    from pathlib import Path

    from steerkit_core.model.handle import ModelHandle

DEPTHS = (1, 2, 3, 12, 26, 80)


def judged_by_layer(trial: Trial, prompts: int) -> Outcome:
    """Refusals only at an even layer, every second one at an odd layer."""
    refusals = prompts // 2 if trial.layer % 2 else prompts
    return Outcome(trial, {"refusal": refusals, "garbled": 0, "normal": prompts - refusals})


def all_failed(trial: Trial, prompts: int) -> Outcome:
    """No completion of the trial has a verdict."""
    return Outcome(trial, {"refusal": 0, "garbled": 0, "normal": 0}, failed=prompts)


@define(eq=False)
class Context:
    """A selection context whose outcomes are made up, and which remembers what was asked."""

    model: ModelHandle
    directions: DirectionSet
    contrast: ContrastSet
    prompts: tuple[Prompt, ...]
    validation: ContrastSet
    outcome: Callable[[Trial, int], Outcome] = judged_by_layer
    asked: list[Trial] = field(factory=list)

    def run(self, trials: Sequence[Trial], prompts: Sequence[Prompt] | None = None) -> list[Outcome]:
        """The made-up outcome of each trial on so many prompts."""
        chosen = self.prompts if prompts is None else tuple(prompts)
        assert chosen, "asked for no prompt"
        assert set(chosen) <= set(self.prompts), "asked for prompts that are no selection prompts"
        assert len(set(chosen)) == len(chosen), "asked for a prompt twice"
        self.asked += trials
        return [self.outcome(trial, len(chosen)) for trial in trials]


class LayerSelectorContract(ComponentContract):
    """A layer of the model, the same one every time, and no trial outside."""

    component: ClassVar[type[LayerSelector]]
    family: ClassVar[str] = "qwen2"
    layers: ClassVar[int] = 4

    @pytest.fixture(scope="class")
    @classmethod
    def model(cls) -> ModelHandle:
        """A tiny model."""
        return tiny_handle(cls.family, installed_adapters(), layers=cls.layers)

    @pytest.fixture
    def context(self, model: ModelHandle) -> Context:
        """Directions at two positions of every layer, the kit's prompts, and made-up outcomes."""
        generator = torch.Generator().manual_seed(0)
        raw = torch.randn(2, model.num_layers, model.hidden_size, generator=generator)
        return Context(
            model=model,
            directions=DirectionSet.from_raw(raw, (-2, -1), tuple(range(model.num_layers))),
            contrast=contrast_set(KitContrast.name, KitContrast().prompts()),
            prompts=KitNeutral().prompts(),
            validation=contrast_set(KitContrast.name, KitContrast().prompts()),
        )

    @pytest.mark.parametrize("positions", [(-1,), (-4, -1)])
    def test_its_trials_lie_within_the_model(self, positions: tuple[int, ...]) -> None:
        """For models of many depths, except those that `check` refuses."""
        for num_layers in DEPTHS:
            built: LayerSelector = self.build()
            try:
                built.check(num_layers)
            except SteerkitError:
                continue
            trials = built.trials(num_layers, positions)
            assert len(set(trials)) == len(trials), f"the same trial twice, of {num_layers} layers"
            candidates = built.candidates(num_layers, positions)
            assert set(trials) <= set(candidates), "a trial is certain that is no candidate"
            assert self.build().trials(num_layers, positions) == trials, "asked again, it says other trials"
            for trial in candidates:
                self._check_place(trial, num_layers, positions)

    def test_it_chooses_a_layer_of_the_model(self, context: Context) -> None:
        chosen: Selection = self.build().select(context)
        self._check_place(chosen, context.model.num_layers, context.directions.positions)

    def test_it_says_why(self, context: Context) -> None:
        chosen: Selection = self.build().select(context)
        assert chosen.reason.strip(), "a selection has a reason, which stands in the report"
        json.dumps([dict(row) for row in chosen.table], allow_nan=False)

    def test_it_chooses_the_same_layer_again(self, context: Context) -> None:
        with torch.random.fork_rng(devices=[]):
            answers = []
            for seed in (1, 2):
                torch.manual_seed(seed)
                answers.append(self.build().select(context))
        assert answers[0] == answers[1], "asked again, it chooses otherwise"

    def test_it_runs_what_it_announced(self, context: Context) -> None:
        """Announced trials are generated before the selector is asked; one not used is time lost."""
        built: LayerSelector = self.build()
        announced = built.trials(context.model.num_layers, context.directions.positions)
        built.select(context)
        for trial in context.asked:
            self._check_place(trial, context.model.num_layers, context.directions.positions)
        unused = set(announced) - set(context.asked)
        assert not unused, f"announced by `trials` and never run: {sorted(unused, key=str)}"

    def test_failed_trials_are_survived_or_explained(self, context: Context) -> None:
        context.outcome = all_failed
        try:
            chosen: Selection = self.build().select(context)
        except SteerkitError:
            return
        self._check_place(chosen, context.model.num_layers, context.directions.positions)

    def test_a_recipe_can_use_it(self, folder: Path) -> None:
        table = {"use": self.component.name, **self.recipe_options()}
        report = small_run(folder, self.component, {"selector": table})
        (selection,) = report.selections
        assert selection.selector == self.component.name
        (cell,) = [cell for cell in report.cells if cell.id == selection.cell]
        assert cell.layer in range(4)

    def _check_place(self, place: Trial | Selection, num_layers: int, positions: Sequence[int]) -> None:
        assert isinstance(place.layer, int), f"layer {place.layer!r} is no integer"
        assert 0 <= place.layer < num_layers, f"layer {place.layer} of a model of {num_layers} layers"
        assert place.position in positions, f"position {place.position}, where there are {positions}"
        assert place.multiplier is None or abs(place.multiplier) < float("inf")
