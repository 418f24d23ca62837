"""Prompts: reading them from files, and what a set of them is good for. Needs no torch."""

from steerkit_core.recipe.prompts.files import read_prompt_file
from steerkit_core.recipe.prompts.sets import contrast_set, evaluation_prompts, fingerprint, repeated

__all__ = ["contrast_set", "evaluation_prompts", "fingerprint", "read_prompt_file", "repeated"]
