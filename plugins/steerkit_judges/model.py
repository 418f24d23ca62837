"""A chat model as a judge, whose answer can only be one of the labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from attrs import frozen

from steerkit_core import (
    Classifier,
    Completion,
    ModelError,
    ModelLoader,
    ModelSpec,
    OptionError,
    Prompt,
    Verdict,
    option,
)
from steerkit_judges.rubric import RUBRIC, cut, defused, known_placeholders, mark_of

if TYPE_CHECKING:
    from steerkit_core import Model

# as many verdicts are lost at most when a run is killed
TOGETHER = 64
ANSWER_ROOM = 16


def a_word(value: object) -> None:
    """Raise `OptionError` for a spelling that is blank, or has white space around it."""
    if not str(value).strip() or str(value).strip() != value:
        raise OptionError("a word without white space around it", value)


@frozen(kw_only=True)
class JudgeModel(Classifier):
    """A chat model is given a rubric with request and answer, and the label it most likely says is taken.

    Nothing is generated: the verdict is the label that is likeliest to begin the judge's reply. What it was
    asked, word for word, and log p of every label are kept in `judgements.jsonl`. A completion that does
    not fit into the judge's context is cut in the middle, and the verdict's rule says so.

    A rubric has the placeholders {prompt}, {completion}, {refusal}, {garbled}, {normal} (how the labels are
    spelt) and {mark} (digits that the texts cannot hold, to set them apart from the instructions).
    """

    name: ClassVar[str] = "judge-model"
    reference: ClassVar[str] = (
        "Zheng et al., 2023 (LLM-as-a-judge), with scored labels instead of an answer"
    )
    cost: ClassVar[str] = "one of the judge for each text, and one over the labels' tokens"

    model: str = option(help="a bundled model, a local folder, or a hub repository")
    revision: str = option("main", help="branch, tag or commit on the hub")
    dtype: Literal["auto", "float32", "float16", "bfloat16"] = option(
        "auto", help="auto is float32 on a CPU and bfloat16 elsewhere"
    )
    quantization: Literal["none", "int8", "int4"] = option("none", help="int8 or int4 by bitsandbytes")
    device: str = option("auto", help="auto, cpu, cuda, cuda:1, ...")
    rubric: str = option(RUBRIC, help="what the judge is told", checks=[known_placeholders])
    refusal: str = option("REFUSAL", help="how the judge spells the label refusal", checks=[a_word])
    garbled: str = option("GARBLED", help="how it spells garbled", checks=[a_word])
    normal: str = option("NORMAL", help="how it spells normal", checks=[a_word])

    def __attrs_post_init__(self) -> None:
        """Refuse spellings of which one begins with another: it could never be told from it."""
        for one, other in permutations(self.labels, 2):
            if self.spelling[one].startswith(self.spelling[other]):
                raise OptionError(
                    f"labels of which none begins with another ({one} {self.spelling[one]!r})",
                    self.spelling[other],
                )

    @property
    def spelling(self) -> Mapping[str, str]:
        """How each label stands in the judge's reply."""
        return {label: cast("str", getattr(self, label)) for label in self.labels}

    @property
    def models(self) -> Mapping[str, ModelSpec]:
        """The judge."""
        options: Any = {"dtype": self.dtype, "quantization": self.quantization}
        return {"model": ModelSpec(id=self.model, revision=self.revision, device=self.device, **options)}

    def judge(self, completions: Sequence[Completion], models: ModelLoader) -> Iterator[Verdict]:
        """Ask about many texts at a time; verdicts come as their batch is done.

        Raises:
            ModelError: the judge cannot be loaded, has no room for the rubric, or cannot say a label.
        """
        model = models.load(self.models["model"])
        special = sorted(
            str(token) for token in model.tokenizer.added_tokens_decoder.values() if token.special
        )
        for start in range(0, len(completions), TOGETHER):
            questions = [
                self._question(model, one, special) for one in completions[start : start + TOGETHER]
            ]
            prompts = [Prompt("judge", text) for text, _ in questions]
            found = model.answer_log_probs(prompts, tuple(self.spelling.values())).tolist()
            for prompt, (_, rule), numbers in zip(prompts, questions, found, strict=True):
                scores = dict(zip(self.labels, numbers, strict=True))
                label = max(self.labels, key=scores.__getitem__)
                yield Verdict(label, rule, scores=scores, asked=model.render(prompt))

    def _question(self, model: Model, completion: Completion, special: Sequence[str]) -> tuple[str, str]:
        """What the judge is asked, short enough for its context, and the verdict's rule."""
        answer = defused(completion.text, special)
        text = self._filled(completion, answer, special)
        room = getattr(model.config, "max_position_embeddings", None)
        if room is None or _tokens(model, text) + ANSWER_ROOM <= room:
            return text, "likeliest-label"
        keep, room = len(answer), room - ANSWER_ROOM
        bare = _tokens(model, self._filled(completion, cut(answer, 0), special))
        if bare > room:
            raise ModelError(
                f"the rubric and prompt {completion.prompt.id!r} have {bare} tokens, and"
                f" {model.spec.id} has room for {room}: shorten the rubric, or choose another model"
            )
        while (tokens := _tokens(model, text)) > room:
            keep = min(keep - 1, int(keep * (room - bare) / (tokens - bare)))
            text = self._filled(completion, cut(answer, max(keep, 0)), special)
        return text, "likeliest-label, cut"

    def _filled(self, completion: Completion, answer: str, special: Sequence[str]) -> str:
        mark = mark_of(completion.prompt.text, completion.text)
        request = defused(completion.prompt.text, special)
        return self.rubric.format(prompt=request, completion=answer, mark=mark, **self.spelling)


def _tokens(model: Model, text: str) -> int:
    rendered = model.render(Prompt("judge", text))
    # not verbose: a text that is too long is cut, and the tokenizer would warn of it on the terminal
    return len(model.tokenizer(rendered, add_special_tokens=False, verbose=False)["input_ids"])
