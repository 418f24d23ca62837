"""Sites: where and how is a block edited?"""

from __future__ import annotations

from abc import abstractmethod

from steerkit_core.components.component import Component
from steerkit_core.values import BlockModule, Intervention, Steering


class Site(Component):
    """Answers: where and how is a block edited?"""

    @property
    def module(self) -> BlockModule:
        """What is edited in the blocks; the directions must have been read there."""
        return "residual"

    @property
    def takes_multiplier(self) -> bool:
        """Whether the strength of this site is a multiplier that selectors may vary."""
        return hasattr(self, "multiplier")

    @property
    def neutral_multiplier(self) -> float | None:
        """The multiplier with which this site leaves the model as it was; None where none does.

        A site that adds is neutral at 0. One that sets the projection to what the multiplier says is not
        neutral at any.
        """
        return 0.0

    @abstractmethod
    def intervene(self, steering: Steering) -> Intervention:
        """Build the edits for one way to steer."""
