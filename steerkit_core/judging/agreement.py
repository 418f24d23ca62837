"""How far raters agree on the texts of a run, be they classifiers or people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Literal

from attrs import field, frozen

from steerkit_core.judging.human_labels import Label
from steerkit_core.judging.run_texts import Text, Texts
from steerkit_core.stats import Kappa, Rate, cohen_kappa, fleiss_kappa, wilson
from steerkit_core.values import Verdict

PERSON = "person:"
Kind = Literal["classifier", "person"]


@frozen
class Rater:
    """Who judged, and the verdicts by the number of the text; people may have judged some only."""

    name: str
    kind: Kind
    verdicts: Mapping[int, Verdict]
    options: Mapping[str, object] = field(factory=dict)


def person(name: str, labels: Sequence[Label], texts: Sequence[Text]) -> tuple[Rater, int]:
    """A person's verdicts on the texts, and how many texts have two labels, of which the first counts.

    A label belongs to the request and the answer, wherever in the run these stand again.
    """
    places = {row: number for number, text in enumerate(texts) for row in text.rows}
    by_pair: dict[tuple[str, str], str] = {}
    doubtful: set[tuple[str, str]] = set()
    for one in labels:
        if one.rater == name and one.row in places:
            pair = texts[places[one.row]].pair
            if by_pair.setdefault(pair, one.label) != one.label:
                doubtful.add(pair)
    verdicts = {
        number: Verdict(by_pair[text.pair]) for number, text in enumerate(texts) if text.pair in by_pair
    }
    return Rater(f"{PERSON}{name}", "person", verdicts), len(doubtful)


@frozen(kw_only=True)
class LeftOut:
    """How many completions are not compared: such as ended early, and failed ones."""

    early: int
    failed: int


@frozen(kw_only=True)
class RaterCounts:
    """A rater, on how many texts, and how often each label was given."""

    name: str
    kind: Kind
    options: Mapping[str, object]
    n: int
    counts: Mapping[str, int]


@frozen(kw_only=True)
class PairAgreement:
    """Two raters on the texts that both judged.

    `table` has a row for each label of the first and a column for each of the second. `kappa` is None where
    it is not defined.
    """

    raters: tuple[str, str]
    n: int
    labels: tuple[str, ...]
    table: tuple[tuple[int, ...], ...]
    agreement: Rate
    kappa: Kappa | None


@frozen(kw_only=True)
class FleissAgreement:
    """All raters on the texts that all of them judged; `kappa` is None where it is not defined."""

    raters: int
    n: int
    kappa: float | None


@frozen(kw_only=True)
class GivenVerdict:
    """What one rater said of a text, and why."""

    label: str
    rule: str
    evidence: str


@frozen(kw_only=True)
class Disagreement:
    """A text that raters label differently, with the first row that holds it."""

    cell: str
    prompt_id: str
    prompt: str
    text: str
    verdicts: Mapping[str, GivenVerdict]


@frozen(kw_only=True)
class AgreementReport:
    """What `steerkit agree --json` prints: every pair of raters, and all of them together."""

    run: str
    texts: int
    rows: int
    prompts: int
    left_out: LeftOut
    raters: tuple[RaterCounts, ...]
    pairs: tuple[PairAgreement, ...]
    fleiss: FleissAgreement | None
    disagreements: tuple[Disagreement, ...]
    notes: tuple[str, ...]


def agreement(
    raters: Sequence[Rater],
    texts: Texts,
    labels: Sequence[str],
    *,
    run: str = "",
    notes: Sequence[str] = (),
) -> AgreementReport:
    """How far raters agree, two by two and all together.

    Args:
        raters: at least two.
        texts: what they judged.
        labels: in which order labels stand in the tables.
        run: which run the texts are of.
        notes: what a reader of the numbers has to know.
    """
    shown = sorted({number for rater in raters for number in rater.verdicts})
    return AgreementReport(
        run=run,
        texts=len(texts.texts),
        rows=texts.rows,
        prompts=len({text.completion.prompt.text for text in texts.texts}),
        left_out=LeftOut(early=texts.early, failed=texts.failed),
        raters=tuple(_counts(rater, labels) for rater in raters),
        pairs=tuple(_pair(first, second, labels) for first, second in combinations(raters, 2)),
        fleiss=_fleiss(raters, labels) if len(raters) > 2 else None,
        disagreements=tuple(_disagreements(raters, texts.texts, shown)),
        notes=tuple(notes),
    )


def _pair(first: Rater, second: Rater, labels: Sequence[str]) -> PairAgreement:
    both = sorted(set(first.verdicts) & set(second.verdicts))
    given = [(first.verdicts[number].label, second.verdicts[number].label) for number in both]
    used = tuple(label for label in labels if any(label in pair for pair in given))
    table = tuple(tuple(given.count((row, column)) for column in used) for row in used)
    same = sum(one == other for one, other in given)
    return PairAgreement(
        raters=(first.name, second.name),
        n=len(both),
        labels=used,
        table=table,
        agreement=wilson(same, len(both)),
        kappa=cohen_kappa(table),
    )


def _fleiss(raters: Sequence[Rater], labels: Sequence[str]) -> FleissAgreement:
    common = sorted(set.intersection(*(set(rater.verdicts) for rater in raters)))
    together = [[rater.verdicts[number].label for rater in raters] for number in common]
    kappa = fleiss_kappa([[row.count(label) for label in labels] for row in together])
    return FleissAgreement(raters=len(raters), n=len(common), kappa=kappa)


def _counts(rater: Rater, labels: Sequence[str]) -> RaterCounts:
    given = [verdict.label for verdict in rater.verdicts.values()]
    return RaterCounts(
        name=rater.name,
        kind=rater.kind,
        options=rater.options,
        n=len(rater.verdicts),
        counts={label: given.count(label) for label in labels if label in given},
    )


def _disagreements(
    raters: Sequence[Rater], texts: Sequence[Text], numbers: Sequence[int]
) -> Iterator[Disagreement]:
    for number in numbers:
        verdicts = {rater.name: rater.verdicts[number] for rater in raters if number in rater.verdicts}
        if len({verdict.label for verdict in verdicts.values()}) > 1:
            text = texts[number]
            cell, prompt_id = text.rows[0]
            yield Disagreement(
                cell=cell,
                prompt_id=prompt_id,
                prompt=text.completion.prompt.text,
                text=text.completion.text,
                verdicts={
                    name: GivenVerdict(label=one.label, rule=one.rule, evidence=one.evidence)
                    for name, one in verdicts.items()
                },
            )
