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
    mcnemar,
    newcombe,
    newcombe_paired,
)

Labels = Mapping[str, str]
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


def compare_independent(first: Labels, second: Labels, label: str) -> dict[str, Any]:
    """Two cells on different prompts: difference, effect size and Fisher's exact test."""
    (k, n), (other, of) = ((_count(labels, label), len(labels)) for labels in (first, second))
    return {
        "test": "fisher",
        "difference": attrs.asdict(newcombe(k, n, other, of)),
        "cohens_h": cohens_h(k / max(n, 1), other / max(of, 1)),
        "p": fisher(k, n, other, of),
    }


def compare_cells(cell: Entry, reference: Entry, labels: Mapping[str, Labels]) -> dict[str, Any] | None:
    """An entry of `comparisons` in `results.json`, `p_holm` left out.

    Args:
        cell: entry of a chosen cell in `cells`.
        reference: that of an unsteered cell or a control.
        labels: of every cell by its id.

    Returns:
        None where one of the two failed, or knows no refusals.
    """
    if cell["sick"] or reference["sick"] or any(REFUSAL not in one["counts"] for one in (cell, reference)):
        return None
    found = compare_paired(labels[cell["id"]], labels[reference["id"]], REFUSAL)
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
