"""Prompt sets: named prompts with roles."""

from __future__ import annotations

from abc import abstractmethod

from steerkit_core.components.component import Component
from steerkit_core.values import Prompt


class PromptSet(Component):
    """Named prompts with roles: positive and negative for a contrast set, neutral for the others."""

    @abstractmethod
    def prompts(self) -> tuple[Prompt, ...]:
        """The prompts, in a fixed order."""
