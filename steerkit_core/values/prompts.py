"""Prompts, unrendered, and sets of two classes of them."""

from __future__ import annotations

from typing import Literal

from attrs import frozen

Role = Literal["positive", "negative", "neutral"]
ROLES: tuple[Role, ...] = ("positive", "negative", "neutral")


@frozen
class Prompt:
    """A user's request, unrendered: the chat template is added by the model's adapter.

    Where a prompt is asked several times, `repeat` counts from 0, and the ids of all but the first end with
    `#1`, `#2`, ... `before` are the earlier turns of a conversation, as (`system`, `user` or `assistant`,
    text); a run's prompts have none.
    """

    id: str
    text: str
    role: Role = "neutral"
    category: str = ""
    repeat: int = 0
    before: tuple[tuple[str, str], ...] = ()

    @property
    def said(self) -> tuple[tuple[tuple[str, str], ...], str]:
        """All that the model is told, by which equal requests are known."""
        return self.before, self.text


@frozen
class ContrastSet:
    """Two classes of prompts; a direction points from the negative to the positive class."""

    name: str
    positive: tuple[Prompt, ...]
    negative: tuple[Prompt, ...]

    @property
    def sizes(self) -> tuple[int, int]:
        """How many positive and how many negative prompts there are."""
        return len(self.positive), len(self.negative)
