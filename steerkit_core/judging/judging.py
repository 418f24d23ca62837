"""JUDGE: verdicts for many completions at once, every text once, and those of models kept in the run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, cast

import attrs
from attrs import define, field

from steerkit_core.components import Classifier, ModelLoader
from steerkit_core.errors import ModelError, SteerkitError
from steerkit_core.files.fingerprints import fingerprint
from steerkit_core.plugin.registry import Registry
from steerkit_core.results.rows import JudgementRow
from steerkit_core.results.run_directory import RunDirectory
from steerkit_core.values import Completion, Verdict

if TYPE_CHECKING:
    from steerkit_core.components.model_spec import ModelSpec

Text = tuple[str, str, float | None]


class KnownModels(ModelLoader, Protocol):
    """A loader that can also say what a model is without loading it, and let go of one again."""

    def identity(self, spec: ModelSpec) -> Mapping[str, str]:
        """What determines the model's numbers, as `ModelHandle.identity` has it."""

    def holds(self, spec: ModelSpec) -> bool:
        """Whether the model is loaded, so that it costs nothing to ask for it."""

    def let_go(self, spec: ModelSpec) -> None:
        """Forget a model that nobody needs any more, and give back its memory."""


@define(eq=False)
class Judges:
    """The verdicts of all classifiers so far. What models said is read from `store`, and kept in it."""

    registry: Registry
    models: KnownModels
    store: RunDirectory | None = None
    _known: dict[str, dict[Text, Verdict]] = field(factory=dict)

    def identity(self, classifier: Classifier) -> dict[str, object]:
        """Name, options and version, and the content of its models: all that a verdict depends on.

        Raises:
            SteerkitError: one of its models cannot be found or read.
        """
        models = self._models(classifier)
        found: dict[str, object] = {
            "use": classifier.name,
            "options": attrs.asdict(cast("Any", classifier)),
            "version": self.registry.version("classifier", classifier.name),
        }
        return found | ({"models": models} if models else {})

    def _models(self, classifier: Classifier) -> dict[str, Mapping[str, str]]:
        """What determines each of a classifier's models, by the option that names it."""
        with _naming(classifier):
            return {option: dict(self.models.identity(spec)) for option, spec in classifier.models.items()}

    def judge(
        self,
        classifier: Classifier,
        completions: Iterable[Completion],
        advance: Callable[[int], None] = lambda _tokens: None,
    ) -> list[Verdict]:
        """The verdict on each completion; those of a kind that was judged before are not judged again.

        Args:
            classifier: who judges.
            completions: none of them failed.
            advance: called with a number of tokens as each new verdict comes.

        Raises:
            SteerkitError: a model cannot be loaded, or the classifier gave a label that it does not
                declare, or not one verdict for each text.
        """
        identity = self.identity(classifier)
        known = self._known.setdefault(fingerprint(identity), {})
        asked = list(completions)
        unknown = {_text(one): one for one in asked if _text(one) not in known}
        keys = {text: self._key(identity, text) for text in unknown} if classifier.models else {}
        for text, key in keys.items():
            if self.store is not None and key in self.store.judgements:
                known[text] = _read(self.store.judgements[key])
                del unknown[text]
        if unknown:
            for text, verdict in self._judged(classifier, unknown):
                known[text] = verdict
                if text in keys and self.store is not None:
                    row = _row(keys[text], classifier, self._models(classifier), unknown[text], verdict)
                    self.store.append_judgement(row)
                advance(unknown[text].tokens)
        return [known[_text(one)] for one in asked]

    def missing(self, classifier: Classifier, completions: Sequence[Completion]) -> int:
        """How many texts a model would have to be asked for."""
        if not classifier.models:
            return 0
        identity = self.identity(classifier)
        known = self._known.get(fingerprint(identity), {})
        kept: Mapping[str, JudgementRow] = {} if self.store is None else self.store.judgements
        texts = {_text(one) for one in completions} - set(known)
        return sum(self._key(identity, text) not in kept for text in texts)

    def _judged(
        self, classifier: Classifier, unknown: Mapping[Text, Completion]
    ) -> Iterable[tuple[Text, Verdict]]:
        verdicts, given = iter(classifier.judge(tuple(unknown.values()), self.models)), 0
        for text in unknown:
            with _naming(classifier):
                verdict = next(verdicts, None)
            if verdict is None:
                raise SteerkitError(
                    f"classifier {classifier.name!r} gave {given} verdicts on {len(unknown)} texts"
                )
            if verdict.label not in classifier.labels:
                raise SteerkitError(
                    f"classifier {classifier.name!r} gave the label {verdict.label!r}, expected one of"
                    f" {', '.join(classifier.labels)}"
                )
            given += 1
            yield text, verdict
        if next(verdicts, None) is not None:
            raise SteerkitError(f"classifier {classifier.name!r} gave more verdicts than the {given} texts")

    @staticmethod
    def _key(identity: Mapping[str, object], text: Text) -> str:
        return fingerprint({"judge": dict(identity), "text": list(text)})


@contextmanager
def _naming(classifier: Classifier) -> Iterator[None]:
    """Say of a model that cannot be had which classifier wanted it."""
    try:
        yield
    except ModelError as error:
        raise SteerkitError(f"classifier {classifier.name!r}: {error}") from error


def _text(completion: Completion) -> Text:
    return completion.prompt.text, completion.text, completion.score


def _row(
    key: str,
    classifier: Classifier,
    models: Mapping[str, Mapping[str, str]],
    completion: Completion,
    verdict: Verdict,
) -> JudgementRow:
    return JudgementRow(
        key=key,
        classifier=classifier.name,
        models=models,
        prompt_id=completion.prompt.id,
        label=verdict.label,
        rule=verdict.rule,
        evidence=verdict.evidence,
        spans=verdict.spans,
        scores=verdict.scores,
        asked=verdict.asked,
    )


def _read(row: JudgementRow) -> Verdict:
    return Verdict(row.label, row.rule, row.evidence, row.spans, row.scores, row.asked)
