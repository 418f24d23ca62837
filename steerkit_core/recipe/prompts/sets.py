"""What prompts are used as, and the hash by which a run knows them."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import attrs

from steerkit_core.errors import PromptFileError
from steerkit_core.values import ContrastSet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from steerkit_core.values import Prompt, Role


def contrast_set(name: str, prompts: Sequence[Prompt]) -> ContrastSet:
    """The two classes of `prompts`, each in the order given; `name` is a prompt set or a file.

    Raises:
        PromptFileError: a class has no prompt, or a prompt is neutral.
    """
    classes: dict[Role, tuple[Prompt, ...]] = {
        role: tuple(prompt for prompt in prompts if prompt.role == role)
        for role in ("positive", "negative", "neutral")
    }
    problems = [
        f"{name}: no prompt has the role {role}; a contrast set needs both classes"
        for role in ("positive", "negative")
        if not classes[role]
    ]
    if neutral := classes["neutral"]:
        problems.append(
            f"{name}: the role of {_some(neutral)} is neutral; a contrast set knows positive and negative"
        )
    if problems:
        raise PromptFileError("\n".join(problems))
    return ContrastSet(name, classes["positive"], classes["negative"])


def evaluation_prompts(name: str, prompts: Sequence[Prompt]) -> tuple[Prompt, ...]:
    """All of `prompts`, whatever their roles; `name` is a prompt set or a file.

    Raises:
        PromptFileError: there is none, or two have one id, by which completions are kept.
    """
    if not prompts:
        raise PromptFileError(f"{name}: no prompts")
    ids = [prompt.id for prompt in prompts]
    twice = next((id_ for id_ in ids if ids.count(id_) > 1), None)
    if twice is not None:
        raise PromptFileError(f"{name}: the id {twice!r} occurs twice")
    return tuple(prompts)


def repeated(name: str, prompts: Sequence[Prompt], times: int) -> tuple[Prompt, ...]:
    """Every prompt so many times, one after another, under ids of their own.

    Raises:
        PromptFileError: the id occurs twice.
    """
    found = [
        prompt if not number else _repeat(prompt, number) for prompt in prompts for number in range(times)
    ]
    return evaluation_prompts(name, found) if times > 1 else tuple(prompts)


def _repeat(prompt: Prompt, number: int) -> Prompt:
    return attrs.evolve(prompt, id=f"{prompt.id}#{number}", repeat=number)


def fingerprint(prompts: Sequence[Prompt]) -> str:
    """SHA-256, in hex, of the ids, texts and roles in their order; categories change no result."""
    rows = [[prompt.id, prompt.text, prompt.role] for prompt in prompts]
    return hashlib.sha256(json.dumps(rows, separators=(",", ":")).encode()).hexdigest()


def _some(prompts: Sequence[Prompt]) -> str:
    ids = ", ".join(repr(prompt.id) for prompt in prompts[:3])
    return ids if len(prompts) <= 3 else f"{ids} and {len(prompts) - 3} more"
