"""How far raters agree on the texts of a run, be they classifiers or people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, Literal

import attrs
from attrs import field, frozen

from steerkit_core.judging.human_labels import Label
from steerkit_core.judging.run_texts import Text, Texts
from steerkit_core.stats import cohen_kappa, fleiss_kappa, wilson
from steerkit_core.values import Verdict

PERSON = "person:"


@frozen
class Rater:
    """Who judged, and the verdicts by the number of the text; people may have judged some only."""

    name: str
    kind: Literal["classifier", "person"]
    verdicts: Mapping[int, Verdict]
    options: Mapping[str, Any] = field(factory=dict)


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


def agreement(raters: Sequence[Rater], texts: Texts, labels: Sequence[str]) -> dict[str, Any]:
    """What `steerkit agree --json` prints: every pair of raters, and all of them together.

    Args:
        raters: at least two.
        texts: what they judged.
        labels: in which order labels stand in the tables.
    """
    common = sorted(set.intersection(*(set(rater.verdicts) for rater in raters)))
    together = [[rater.verdicts[number].label for rater in raters] for number in common]
    shown = sorted({number for rater in raters for number in rater.verdicts})
    return {
        "texts": len(texts.texts),
        "rows": texts.rows,
        "prompts": len({text.completion.prompt.text for text in texts.texts}),
        "left_out": {"early": texts.early, "failed": texts.failed},
        "raters": [
            {
                "name": rater.name,
                "kind": rater.kind,
                "options": dict(rater.options),
                "n": len(rater.verdicts),
                "counts": _counts(rater, labels),
            }
            for rater in raters
        ],
        "pairs": [_pair(first, second, labels) for first, second in combinations(raters, 2)],
        "fleiss": {
            "raters": len(raters),
            "n": len(common),
            "kappa": fleiss_kappa([[row.count(label) for label in labels] for row in together]),
        }
        if len(raters) > 2
        else None,
        "disagreements": list(_disagreements(raters, texts.texts, shown)),
    }


def _pair(first: Rater, second: Rater, labels: Sequence[str]) -> dict[str, Any]:
    both = sorted(set(first.verdicts) & set(second.verdicts))
    given = [(first.verdicts[number].label, second.verdicts[number].label) for number in both]
    used = [label for label in labels if any(label in pair for pair in given)]
    table = [[given.count((row, column)) for column in used] for row in used]
    kappa = cohen_kappa(table)
    same = sum(one == other for one, other in given)
    return {
        "raters": [first.name, second.name],
        "n": len(both),
        "labels": used,
        "table": table,
        "agreement": attrs.asdict(wilson(same, len(both))),
        "kappa": None if kappa is None else attrs.asdict(kappa),
    }


def _counts(rater: Rater, labels: Sequence[str]) -> dict[str, int]:
    given = [verdict.label for verdict in rater.verdicts.values()]
    return {label: given.count(label) for label in labels if label in given}


def _disagreements(
    raters: Sequence[Rater], texts: Sequence[Text], numbers: Sequence[int]
) -> Iterator[dict[str, Any]]:
    for number in numbers:
        verdicts = {rater.name: rater.verdicts[number] for rater in raters if number in rater.verdicts}
        if len({verdict.label for verdict in verdicts.values()}) > 1:
            text = texts[number]
            yield {
                "cell": text.rows[0][0],
                "prompt_id": text.rows[0][1],
                "prompt": text.completion.prompt.text,
                "text": text.completion.text,
                "verdicts": {
                    name: {"label": one.label, "rule": one.rule, "evidence": one.evidence}
                    for name, one in verdicts.items()
                },
            }
