"""The lines of the files that grow: completions, verdicts, judgements, calibrations."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from steerkit_core.values import Completion

Span = tuple[int, int]


@frozen(kw_only=True)
class CompletionRow:
    """A line of `completions.jsonl`: what the model wrote for one prompt of one cell."""

    cell: str
    prompt_id: str
    repeat: int = 0
    prompt: str
    category: str = ""
    text: str
    tokens: int
    stop: str
    error: str | None
    score: float | None = None

    @classmethod
    def of(cls, cell: str, completion: Completion) -> CompletionRow:
        """What is kept of a completion of a cell."""
        return cls(
            cell=cell,
            prompt_id=completion.prompt.id,
            repeat=completion.prompt.repeat,
            prompt=completion.prompt.text,
            category=completion.prompt.category,
            text=completion.text,
            tokens=completion.tokens,
            stop=completion.stop,
            error=completion.error,
            score=completion.score,
        )


@frozen(kw_only=True)
class VerdictRow:
    """A line of `verdicts.jsonl`: what a completion is, and the piece of text that decided it.

    `label` is None for a completion that failed, and `rule` then says why.
    """

    cell: str
    prompt_id: str
    classifier: str = ""
    label: str | None
    rule: str | None
    evidence: str | None
    scores: Mapping[str, float | None] = field(factory=dict)
    spans: tuple[Span, ...] = ()


@frozen(kw_only=True)
class JudgedRow(CompletionRow):
    """A completion with its verdict."""

    classifier: str = ""
    label: str | None
    rule: str | None
    evidence: str | None
    scores: Mapping[str, float | None] = field(factory=dict)
    spans: tuple[Span, ...] = ()

    @classmethod
    def joined(cls, text: CompletionRow, verdict: VerdictRow) -> JudgedRow:
        """The two rows of one completion as one."""
        return cls(
            cell=text.cell,
            prompt_id=text.prompt_id,
            repeat=text.repeat,
            prompt=text.prompt,
            category=text.category,
            text=text.text,
            tokens=text.tokens,
            stop=text.stop,
            error=text.error,
            score=text.score,
            classifier=verdict.classifier,
            label=verdict.label,
            rule=verdict.rule,
            evidence=verdict.evidence,
            scores=verdict.scores,
            spans=verdict.spans,
        )


@frozen(kw_only=True)
class JudgementRow:
    """A line of `judgements.jsonl`: what a judge that is a model said of one text.

    `key` hashes all that it depends on, `asked` is what the model was given, word for word.
    """

    key: str
    classifier: str = ""
    models: Mapping[str, object] = field(factory=dict)
    prompt_id: str = ""
    label: str
    rule: str
    evidence: str
    spans: tuple[Span, ...]
    scores: Mapping[str, float]
    asked: str


@frozen(kw_only=True)
class CalibrationRow:
    """A line of `calibrations.jsonl`: a multiplier that was found; `key` hashes all that it depends on."""

    key: str
    use: str
    layer: int
    position: int
    target: float
    multiplier: float
    achieved: float | None
    tokens: int = 1
