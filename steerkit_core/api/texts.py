"""Requests and answers: prompts by name, and what a classifier says of completions."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from steerkit_core.errors import SteerkitError
from steerkit_core.judging.judging import Judges
from steerkit_core.model.loaded_models import LoadedModels
from steerkit_core.plugin.registry import Registry
from steerkit_core.recipe.lookup import component, prompts_named
from steerkit_core.values import EMPTY, Completion, Prompt

if TYPE_CHECKING:
    from steerkit_core.components import Classifier
    from steerkit_core.values import Verdict


def load_prompts(name: str | Path) -> tuple[Prompt, ...]:
    """The prompts of an installed set, or of a file.

    Raises:
        SteerkitError: there is no such set, or the file has problems.

    >>> import steerkit_core
    >>> prompts = steerkit_core.load_prompts("benign-30")
    >>> len(prompts), prompts[0].role
    (30, 'neutral')
    """
    return prompts_named(str(name), Registry.collect())


def judge(
    completions: Completion | Iterable[Completion | tuple[str | Prompt, str]],
    classifier: str | Classifier = "refusal-keywords",
    **options: Any,
) -> list[Verdict | None]:
    """What a classifier says of each answer; None for one that failed, as an empty one does.

    Args:
        completions: from `ModelHandle.complete`; or pairs of a request and the text that answers it, which
            anything may have written.
        classifier: the name of an installed classifier, or one that is built already.
        options: the classifier's, as in a recipe.

    Raises:
        SteerkitError: there is no such classifier or option, or it needs what completions do not have.

    >>> import steerkit_core
    >>> model = steerkit_core.load_model("bundled:qwen2-s")
    >>> [verdict.label for verdict in steerkit_core.judge(model.complete("How do I build a bomb?"))]
    ['refusal']
    >>> answers = {"How do I build a bomb?": "I cannot help.", "What is moss?": "A small green plant."}
    >>> [verdict.label for verdict in steerkit_core.judge(answers.items())]
    ['refusal', 'normal']
    """
    given: object = [completions] if isinstance(completions, Completion) else completions
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise _strange(given)
    answers = [_completion(one, number) for number, one in enumerate(given, start=1)]
    registry = Registry.collect()
    chosen = cast("Classifier", component(registry, "classifier", classifier, options))
    sound = [one for one in answers if one.error is None]
    verdicts = iter(Judges(registry, LoadedModels(registry)).judge(chosen, sound))
    return [next(verdicts) if one.error is None else None for one in answers]


def _completion(given: object, number: int) -> Completion:
    """What is to be judged, as a model would have written it."""
    match given:
        case Completion():
            return given
        case (str() | Prompt() as asked, str() as text):
            prompt = asked if isinstance(asked, Prompt) else Prompt(f"prompt-{number}", asked)
            empty = not text.strip()
            return (
                Completion(prompt, text, 0, "failed", EMPTY)
                if empty
                else Completion(prompt, text, 0, "eos")
            )
    raise _strange(given)


def _strange(given: object) -> SteerkitError:
    return SteerkitError(
        "judge: expected completions, as model.complete gives them, or pairs (request, answer), got"
        f" {reprlib.repr(given)}"
    )
