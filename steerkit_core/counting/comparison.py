"""What two cells' verdicts say of each other.

A cell's verdicts come here as one label for each prompt, by the prompt's text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from steerkit_core.stats import (
    PairedCounts,
    cohens_h,
    fisher,
    holm,
    independent_difference,
    mcnemar,
    newcombe,
    newcombe_paired,
    paired_difference,
    sign_flip,
)

Labels = Mapping[str, str]
# for each prompt, by its text, how many of its completions have a label, and how many there are
Clusters = Mapping[str, tuple[int, int]]
Entry = Mapping[str, Any]

REFUSAL = "refusal"


def compare_paired(first: Labels, second: Labels, label: str) -> dict[str, Any]:
    """Two cells on the same prompts: counts, difference, effect size and McNemar's exact test.

    Prompts without a verdict in one of the cells are left out.
    """
    counts = PairedCounts.of(first, second, label)
    n = max(counts.n, 1)
    return {
        "test": "mcnemar",
        "n": counts.n,
        **attrs.asdict(counts),
        "difference": attrs.asdict(newcombe_paired(counts)),
        "cohens_h": cohens_h(counts.first / n, counts.second / n),
        "p": mcnemar(counts),
    }


def compare_shares(first: Clusters, second: Clusters) -> dict[str, Any]:
    """Two cells on the same prompts, sampled several times each: `compare_paired` for shares.

    A prompt counts for the cell that gave it the label more often.
    """
    texts = [text for text in first if text in second]
    one_arm, other_arm = ([clusters[text] for text in texts] for clusters in (first, second))
    shares = [(k / m, j / n) for (k, m), (j, n) in zip(one_arm, other_arm, strict=True)]
    return {
        "test": "sign-flip",
        "n": len(texts),
        "both": sum(one == other > 0 for one, other in shares),
        "first_only": sum(one > other for one, other in shares),
        "second_only": sum(one < other for one, other in shares),
        "neither": sum(one == other == 0 for one, other in shares),
        "difference": attrs.asdict(paired_difference(one_arm, other_arm)),
        "cohens_h": cohens_h(_total(one_arm), _total(other_arm)),
        "p": sign_flip(one_arm, other_arm),
    }


def compare_independent_shares(
    first: Clusters, second: Clusters, by_prompt: Mapping[str, Any]
) -> dict[str, Any]:
    """Two cells on different prompts, sampled several times each.

    Difference and effect size are of the rates over completions; the test is that of `by_prompt`, the
    comparison of the labels that most completions of a prompt have.
    """
    arms = list(first.values()), list(second.values())
    return {
        **by_prompt,
        "difference": attrs.asdict(independent_difference(*arms)),
        "cohens_h": cohens_h(*map(_total, arms)),
    }


def _total(clusters: Sequence[tuple[int, int]]) -> float:
    return sum(k for k, _ in clusters) / max(sum(m for _, m in clusters), 1)


def compare_independent(first: Labels, second: Labels, label: str) -> dict[str, Any]:
    """Two cells on different prompts: difference, effect size and Fisher's exact test."""
    (k, n), (other, of) = ((_count(labels, label), len(labels)) for labels in (first, second))
    return {
        "test": "fisher",
        "difference": attrs.asdict(newcombe(k, n, other, of)),
        "cohens_h": cohens_h(k / max(n, 1), other / max(of, 1)),
        "p": fisher(k, n, other, of),
    }


def compare_cells(
    cell: Entry, reference: Entry, labels: Mapping[str, Labels], sampled: Mapping[str, Clusters]
) -> dict[str, Any] | None:
    """An entry of `comparisons` in `results.json`, `p_holm` left out.

    Args:
        cell: entry of a chosen cell in `cells`.
        reference: that of an unsteered cell or a control.
        labels: of every cell by its id.
        sampled: of every cell whose prompts were sampled several times, by its id, the refusals.

    Returns:
        None where one of the two failed, or knows no refusals.
    """
    if cell["sick"] or reference["sick"] or any(REFUSAL not in one["counts"] for one in (cell, reference)):
        return None
    own, other = cell["id"], reference["id"]
    if own in sampled and other in sampled:
        found = compare_shares(sampled[own], sampled[other])
    else:
        found = compare_paired(labels[own], labels[other], REFUSAL)
    if not found["n"]:
        return None
    names = {"first_only": "cell_only", "second_only": "reference_only"}
    return {
        "cell": cell["id"],
        "reference": reference["id"],
        "role": reference["role"],
        "label": REFUSAL,
        **{names.get(name, name): value for name, value in found.items()},
    }


def with_holm(comparisons: Sequence[Entry]) -> list[dict[str, Any]]:
    """The comparisons of a run, which are one family, with adjusted p-values."""
    adjusted = holm([entry["p"] for entry in comparisons])
    return [{**entry, "p_holm": p} for entry, p in zip(comparisons, adjusted, strict=True)]


def _count(labels: Labels, label: str) -> int:
    return sum(found == label for found in labels.values())
