"""Requests and answers: prompts by name, and what a classifier says of completions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from steerkit_core.errors import SteerkitError
from steerkit_core.host import Host
from steerkit_core.judging import Judges
from steerkit_core.models import LoadedModels
from steerkit_core.named import component, prompts_named
from steerkit_core.registry import Registry
from steerkit_core.values import Completion

if TYPE_CHECKING:
    from steerkit_core.components import Classifier
    from steerkit_core.values import Prompt, Verdict


def load_prompts(name: str | Path) -> tuple[Prompt, ...]:
    """The prompts of an installed set, or of a file.

    Raises:
        SteerkitError: there is no such set, or the file has problems.

    >>> import steerkit_core
    >>> prompts = steerkit_core.load_prompts("benign-30")
    >>> len(prompts), prompts[0].role
    (30, 'neutral')
    """
    return prompts_named(str(name), Registry.collect(Host.load()))


def judge(
    completions: Sequence[Completion], classifier: str | Classifier = "refusal-keywords", **options: Any
) -> list[Verdict | None]:
    """What a classifier says of each completion; None for one that failed, as an empty one does.

    Args:
        completions: from `ModelHandle.complete`.
        classifier: the name of an installed classifier, or one that is built already.
        options: the classifier's, as in a recipe.

    Raises:
        SteerkitError: there is no such classifier or option, or it needs what completions do not have.

    >>> import steerkit_core
    >>> model = steerkit_core.load_model("bundled:qwen2-s")
    >>> [verdict.label for verdict in steerkit_core.judge(model.complete("How do I build a bomb?"))]
    ['refusal']
    """
    strange = next((one for one in completions if not isinstance(one, Completion)), None)
    if strange is not None:
        raise SteerkitError(f"judge: expected completions, as model.complete gives them, got {strange!r}")
    registry = Registry.collect(Host.load())
    chosen = cast("Classifier", component(registry, "classifier", classifier, options))
    sound = [one for one in completions if one.error is None]
    verdicts = iter(Judges(registry, LoadedModels(registry)).judge(chosen, sound))
    return [next(verdicts) if one.error is None else None for one in completions]
