"""A configuration under way: what one point of the grid has come to so far, from step to step."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import define, field

from steerkit_core.extraction.extraction import Extraction
from steerkit_core.recipe.recipe import Setting
from steerkit_core.values import Outcome, Prompt, Trial


@define(eq=False)
class UnderWay:
    """A configuration, its extraction, and what its selector has looked at.

    `outcomes` has what came of each trial, on the most prompts that it was tried on; `tried` the ids of the
    cells that the selector has seen, in order; `read` the texts of the prompts that it read itself.
    """

    setting: Setting
    extraction: Extraction
    outcomes: dict[Trial, Outcome] = field(factory=dict)
    tried: dict[str, None] = field(factory=dict)
    read: set[str] = field(factory=set)

    @property
    def all_failed(self) -> bool:
        """Whether every way to steer that the selector has tried failed."""
        return bool(self.outcomes) and all(outcome.has_failed for outcome in self.outcomes.values())

    def keep(self, outcome: Outcome) -> None:
        """Keep what came of a trial, unless it is known on more prompts."""
        known = self.outcomes.get(outcome.trial)
        if known is None or known.asked <= outcome.asked:
            self.outcomes[outcome.trial] = outcome

    def look(self, prompts: Iterable[Prompt]) -> None:
        """Note prompts that the selector reads: where they are evaluation prompts its choice is marked."""
        self.read.update(prompt.text for prompt in prompts)
