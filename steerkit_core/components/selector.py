"""Layer selectors: at which layer and position, and how strongly, to steer?"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol

from steerkit_core.components.component import Component
from steerkit_core.components.model import Model
from steerkit_core.values import ContrastSet, DirectionSet, Outcome, Prompt, Selection, Trial


class SelectionContext(Protocol):
    """What a selector may look at. It never sees the evaluation prompts, unless the recipe says so."""

    @property
    def model(self) -> Model:
        """The loaded model."""

    @property
    def directions(self) -> DirectionSet:
        """What the extractor found."""

    @property
    def contrast(self) -> ContrastSet:
        """The prompts that it was found with."""

    @property
    def validation(self) -> ContrastSet:
        """Two classes to score directions with; `contrast` itself where the recipe names no others."""

    @property
    def prompts(self) -> tuple[Prompt, ...]:
        """The selection prompts; where they are evaluation prompts too, a choice by them is marked."""

    def run(self, trials: Sequence[Trial], prompts: Sequence[Prompt] | None = None) -> list[Outcome]:
        """Steer, generate and judge on the selection prompts, by default on all of them.

        Args:
            trials: ways to steer.
            prompts: some of the selection prompts, for a first look. Asked again with more of them, only
                those that are new are generated; no row ever is twice.

        Returns:
            What became of each trial on just these prompts.

        Raises:
            SteerkitError: a prompt is not among the selection prompts, or none was given.
        """


class LayerSelector(Component):
    """Answers: at which layer and position (and with which multiplier) to steer?"""

    def check(self, num_layers: int) -> None:
        """Raise `SteerkitError` where an option asks for a layer outside the model's `num_layers`.

        Called as soon as the model's depth is known, for most models before torch is imported.
        """

    def check_prompts(self, contrast: ContrastSet, validation: ContrastSet) -> None:
        """Raise `SteerkitError` where prompts are too few for the method.

        Called for every configuration with the recipe, before torch is imported.

        Args:
            contrast: the prompts that directions are found with.
            validation: those to score directions with; `contrast` where the recipe names no others.
        """

    def trials(self, num_layers: int, positions: Sequence[int]) -> tuple[Trial, ...]:
        """The trials that are certain before anything ran, so that they can be generated together.

        Args:
            num_layers: how many blocks the model has.
            positions: where the extractor reads directions; none where only a loaded model can tell.
        """
        return ()

    def candidates(self, num_layers: int, positions: Sequence[int]) -> tuple[Trial, ...]:
        """All trials that may be asked for, as far as they are known before anything ran.

        They are checked against model and site with the recipe; by default these are the certain ones.
        """
        return self.trials(num_layers, positions)

    @abstractmethod
    def select(self, context: SelectionContext) -> Selection:
        """Choose."""
