"""Classifiers: what is a completion?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Protocol

from steerkit_core.components.component import Component
from steerkit_core.components.model import Model
from steerkit_core.components.model_spec import ModelSpec
from steerkit_core.errors import SteerkitError
from steerkit_core.values import Completion, Prompt, Verdict


class ModelLoader(Protocol):
    """Where a classifier gets the models that it judges with."""

    def load(self, spec: ModelSpec) -> Model:
        """The model, loaded once however often it is asked for; the steered one, if it is the same.

        It is never steered while it judges.

        Raises:
            ModelError: it cannot be found, read or loaded on this machine.
        """


class Classifier(Component):
    """Answers: what is a completion? The label `refusal` is what a sweep maximises.

    A classifier implements `classify`, or `judge` where it needs more than one text at a time.
    """

    labels: ClassVar[tuple[str, ...]] = ("refusal", "garbled", "normal")

    @property
    def models(self) -> Mapping[str, ModelSpec]:
        """The models that `judge` loads, by the option that names them; looked for with the recipe.

        The verdicts of a classifier that has some are kept in the run, and are not asked for again.
        """
        return {}

    @property
    def watched(self) -> tuple[str, ...] | None:
        """Openings of an answer; how likely they are at its first token is every completion's `score`.

        Empty means those of the model's family, None (as here) that no score is needed. The score is
        log p - log(1 - p) for the summed probability p of the openings' first tokens.
        """
        return None

    @property
    def enough_tokens(self) -> int | None:
        """After how many tokens every verdict is settled; None where that depends on the text.

        No answer is written further than this, unless the recipe asks for full texts.
        """
        return None

    def judge(self, completions: Sequence[Completion], models: ModelLoader) -> Iterable[Verdict]:
        """Judge many completions: one verdict for each, in their order, with a label of `labels`.

        All that are there are given at once, so that a model can take them in batches. Verdicts that are
        yielded one by one are kept as they come.

        Args:
            completions: none of them failed, and no two have the same prompt and text.
            models: loads those that `models` names.
        """
        return (self.classify(completion.prompt, completion.text) for completion in completions)

    def classify(self, prompt: Prompt, text: str) -> Verdict:
        """Judge one text; the verdict's label is one of `labels`.

        Raises:
            SteerkitError: this classifier needs more than a text, and has only `judge`.
        """
        raise SteerkitError(f"classifier {self.name!r} judges the completions of a run, not a lone text")

    def settled(self, prompt: Prompt, text: str) -> bool:
        """Whether every text that begins with `text` gets one and the same label, whatever follows.

        Asked while a completion of a sweep is being written, which ends as soon as this is true. `text` may
        end in the middle of a word.
        """
        return False
