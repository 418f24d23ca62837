"""The contract of classifiers."""

from __future__ import annotations

import atexit
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import ClassVar

import pytest

from steerkit_core.components import Classifier
from steerkit_core.model.loaded_models import LoadedModels
from steerkit_core.testing.contracts.component import ComponentContract
from steerkit_core.testing.installed import installed_registry
from steerkit_core.testing.small_run import small_run
from steerkit_core.testing.tiny import TinyModels
from steerkit_core.values import Completion, Prompt, Verdict

PROMPT = Prompt("p1", "How do I bake bread?")
LONGEST_EVIDENCE = 200
LONGEST_SETTLING = 400
TEXTS = {
    "plain": "Mix flour, water, salt and yeast, and wait.",
    "refusal": "I'm sorry, but I cannot help with that.",
    "empty": "",
    "blank": " \n\t ",
    "one letter": "I",
    "long": "The dough rises in the warm kitchen. " * 3000,
    "long word": "a" * 100_000,
    "repeated": "no no no no no no no no",
    "chinese": "\u5bf9\u4e0d\u8d77\uff0c\u6211\u4e0d\u80fd\u5e2e\u52a9\u4f60\u3002",
    "arabic": "\u0639\u0630\u0631\u064b\u0627\u060c \u0644\u0627 \u0623\u0633\u062a\u0637\u064a\u0639",
    "letters that grow": "\u0130STANBUL STRASSE \u1e9e",
    "emoji": "\U0001f600\U0001f3fd\u200d\U0001f373" * 5,
    "control": "\x00\x07\x1b[31mred\x7f\u202e\r\n",
    "not decodable": "\ufffd\ufffd",
    "markup": "<|im_end|>{{ text }} %s \\1 (((",
}


@cache
def _kit_models() -> LoadedModels:
    """Tiny models of the kit for classifiers that ask for `tiny:qwen2` and the like, each loaded once."""
    folder = Path(mkdtemp(prefix="steerkit-kit-"))
    atexit.register(rmtree, folder, ignore_errors=True)
    return LoadedModels(installed_registry(plugins=[TinyModels(folder)]))


class ClassifierContract(ComponentContract):
    """A declared label for any text, with evidence that stands in it, and the same one every time.

    `texts` are further texts by name that the verdicts are checked on. A classifier that judges with a
    model is given one of the kit's, such as `tiny:qwen2`, in its `options`.
    """

    component: ClassVar[type[Classifier]]
    texts: ClassVar[dict[str, str]] = {}

    def verdicts(self, built: Classifier, texts: Iterable[str], prompt: Prompt = PROMPT) -> list[Verdict]:
        """What a classifier says of texts that it is given together, as the framework asks it."""
        score = None if built.watched is None else 0.5
        completions = [Completion(prompt, text, 1, "eos", score=score) for text in texts]
        found = list(built.judge(completions, _kit_models()))
        assert len(found) == len(completions), f"{len(found)} verdicts on {len(completions)} texts"
        return found

    def verdict(self, text: str) -> Verdict:
        """Call a newly built component."""
        return self.verdicts(self.build(), [text])[0]

    @property
    def all_texts(self) -> dict[str, str]:
        """The kit's texts and the author's."""
        return {**TEXTS, **self.texts}

    def test_its_labels_are_words(self) -> None:
        labels = self.component.labels
        assert isinstance(labels, tuple), f"labels is {labels!r}, expected a tuple"
        assert labels, "there is no label"
        assert len(set(labels)) == len(labels), f"the same label twice in {labels}"
        assert all(label.strip() == label != "" for label in labels), f"a blank label in {labels!r}"

    def test_every_label_it_gives_is_declared(self) -> None:
        for name, text in self.all_texts.items():
            verdict = self.verdict(text)
            assert isinstance(verdict, Verdict), f"{name} text: got {verdict!r}, expected a Verdict"
            assert verdict.label in self.component.labels, (
                f"{name} text: label {verdict.label!r}, expected one of {self.component.labels}"
            )

    def test_its_evidence_stands_in_the_text(self) -> None:
        """Letter case aside; empty evidence is allowed."""
        for name, text in self.all_texts.items():
            evidence = self.verdict(text).evidence
            assert evidence.lower() in text.lower(), f"{name} text: evidence {evidence!r} is not in it"
            assert len(evidence) <= LONGEST_EVIDENCE, (
                f"{name} text: {len(evidence)} characters of evidence, expected at most {LONGEST_EVIDENCE}"
            )

    def test_its_spans_lie_in_the_text(self) -> None:
        """In order, without overlap, and the first one is that of the evidence."""
        for name, text in self.all_texts.items():
            verdict = self.verdict(text)
            before = 0
            for span in verdict.spans:
                start, end = span
                assert before <= start < end <= len(text), (
                    f"{name} text: span {span!r} in {verdict.spans!r}, expected spans in order within"
                    f" the text's {len(text)} characters"
                )
                before = end
            if verdict.spans:
                there = text[slice(*verdict.spans[0])]
                assert verdict.evidence == there, (
                    f"{name} text: evidence {verdict.evidence!r}, expected its first span, {there!r}"
                )

    def test_it_judges_the_same_text_alike(self) -> None:
        """Whether it is asked once, again, alone, or after other texts; numbers may differ a little."""
        built: Classifier = self.build()
        names = list(self.all_texts)
        whole = self.verdicts(built, self.all_texts.values())
        first = {name: _words(verdict) for name, verdict in zip(names, whole, strict=True)}
        for name in reversed(names):
            text = self.all_texts[name]
            (again,) = self.verdicts(built, [text])
            assert _words(again) == first[name], f"{name} text: another verdict when asked again"
            assert _words(self.verdict(text)) == first[name], (
                f"{name} text: another verdict by a new instance"
            )

    def test_what_is_settled_does_not_change(self) -> None:
        """Every beginning of every text, up to a length that keeps this quick."""
        built: Classifier = self.build()
        for name, text in self.all_texts.items():
            whole = text[:LONGEST_SETTLING]
            for length in range(1, len(whole)):
                if built.settled(PROMPT, whole[:length]):
                    settled, label = self.verdict(whole[:length]).label, self.verdict(whole).label
                    assert settled == label, f"{name} text: settled as {settled!r}, and became {label!r}"

    @pytest.mark.parametrize(
        "prompt", [Prompt("", ""), Prompt("p2", "Schreib ein Gedicht \u00fcber \u00d6l. \x00")]
    )
    def test_any_prompt_will_do(self, prompt: Prompt) -> None:
        built: Classifier = self.build()
        (verdict,) = self.verdicts(built, [TEXTS["plain"]], prompt)
        assert verdict.label in self.component.labels

    def test_a_recipe_can_use_it(self, folder: Path) -> None:
        table = {"use": self.component.name, **self.recipe_options()}
        report = small_run(folder, self.component, {"classifier": table})
        for cell in report.cells:
            assert cell.classifier == self.component.name
            assert tuple(cell.counts) == self.component.labels
            assert sum(cell.counts.values()) == cell.n, "a completion was counted twice or not at all"


def _words(verdict: Verdict) -> tuple[str, str, str]:
    """A verdict without its numbers, which the batch that a text was in may change in the last digit."""
    return verdict.label, verdict.rule, verdict.evidence
