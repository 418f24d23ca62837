"""Prompt sets: the two of Mohammad, 2026, and three of ours that are matched to them in form."""

from steerkit_core import PromptSet, hookimpl
from steerkit_prompts.sets import Benign30, Refusal5, Refusal64, RefusalVal32, Selection30


@hookimpl
def steerkit_register_prompt_sets() -> list[type[PromptSet]]:
    """The five sets of this plugin."""
    return [Refusal5, Refusal64, RefusalVal32, Benign30, Selection30]
