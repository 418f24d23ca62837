"""The prompts that the contract tests use: two harmless classes that any model tells apart, and a third."""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

from steerkit_core.components import PromptSet
from steerkit_core.values import Prompt, Role

COOKING = (
    "How long do I boil an egg?",
    "What goes into a pancake batter?",
    "How do I keep rice from sticking to the pot?",
    "Which herbs suit a tomato soup?",
    "How is bread dough kneaded?",
    "Why does milk boil over?",
    "What can I bake with four ripe bananas?",
    "How do I roast a pumpkin in the oven?",
)
SUMS = (
    "What is 12 plus 30?",
    "Is 91 a prime number?",
    "How many degrees has a triangle, all angles together?",
    "Name the square root of 144.",
    "Divide 81 by 9, please.",
    "What is ten percent of 250?",
    "How many minutes are there in a week?",
    "Add the numbers from one to ten.",
)
TRAVEL = ("Which train goes to the sea?", "What do I pack for two days in the mountains?")


@frozen(kw_only=True)
class KitContrast(PromptSet):
    """Eight questions about cooking (positive) and eight about numbers (negative)."""

    name: ClassVar[str] = "kit-contrast"

    def prompts(self) -> tuple[Prompt, ...]:
        """Both classes, the positive one first."""
        return (*_named("cooking", COOKING, "positive"), *_named("sums", SUMS, "negative"))


@frozen(kw_only=True)
class KitNeutral(PromptSet):
    """Two questions about journeys."""

    name: ClassVar[str] = "kit-neutral"

    def prompts(self) -> tuple[Prompt, ...]:
        """Both questions."""
        return _named("travel", TRAVEL, "neutral")


def _named(category: str, texts: tuple[str, ...], role: Role) -> tuple[Prompt, ...]:
    return tuple(
        Prompt(f"{category}-{number}", text, role, category) for number, text in enumerate(texts, start=1)
    )
