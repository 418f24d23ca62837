"""What two cells' verdicts say of each other.

A cell's verdicts come here as one label for each prompt, by the prompt's text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import evolve, frozen

from steerkit_core.results.cells import CellResult
from steerkit_core.results.findings import Comparison
from steerkit_core.stats import (
    Estimate,
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

REFUSAL = "refusal"


@frozen(kw_only=True)
class ArmTest:
    """A test of two cells' rates: `difference` is the first rate less the second."""

    test: str
    difference: Estimate
    cohens_h: float
    p: float


@frozen(kw_only=True)
class PairedTest(ArmTest):
    """A test of two cells on the same prompts, with the prompts counted by which cell has the label."""

    n: int
    both: int
    first_only: int
    second_only: int
    neither: int


def compare_paired(first: Labels, second: Labels, label: str) -> PairedTest:
    """Two cells on the same prompts: counts, difference, effect size and McNemar's exact test.

    Prompts without a verdict in one of the cells are left out.
    """
    counts = PairedCounts.of(first, second, label)
    n = max(counts.n, 1)
    return PairedTest(
        test="mcnemar",
        n=counts.n,
        both=counts.both,
        first_only=counts.first_only,
        second_only=counts.second_only,
        neither=counts.neither,
        difference=newcombe_paired(counts),
        cohens_h=cohens_h(counts.first / n, counts.second / n),
        p=mcnemar(counts),
    )


def compare_shares(first: Clusters, second: Clusters) -> PairedTest:
    """Two cells on the same prompts, sampled several times each: `compare_paired` for shares.

    A prompt counts for the cell that gave it the label more often.
    """
    texts = [text for text in first if text in second]
    one_arm, other_arm = ([clusters[text] for text in texts] for clusters in (first, second))
    shares = [(k / m, j / n) for (k, m), (j, n) in zip(one_arm, other_arm, strict=True)]
    return PairedTest(
        test="sign-flip",
        n=len(texts),
        both=sum(one == other > 0 for one, other in shares),
        first_only=sum(one > other for one, other in shares),
        second_only=sum(one < other for one, other in shares),
        neither=sum(one == other == 0 for one, other in shares),
        difference=paired_difference(one_arm, other_arm),
        cohens_h=cohens_h(_total(one_arm), _total(other_arm)),
        p=sign_flip(one_arm, other_arm),
    )


def compare_independent_shares(first: Clusters, second: Clusters, by_prompt: ArmTest) -> ArmTest:
    """Two cells on different prompts, sampled several times each.

    Difference and effect size are of the rates over completions; the test is that of `by_prompt`, the
    comparison of the labels that most completions of a prompt have.
    """
    arms = list(first.values()), list(second.values())
    return evolve(
        by_prompt, difference=independent_difference(*arms), cohens_h=cohens_h(*map(_total, arms))
    )


def _total(clusters: Sequence[tuple[int, int]]) -> float:
    return sum(k for k, _ in clusters) / max(sum(m for _, m in clusters), 1)


def compare_independent(first: Labels, second: Labels, label: str) -> ArmTest:
    """Two cells on different prompts: difference, effect size and Fisher's exact test."""
    (k, n), (other, of) = ((_count(labels, label), len(labels)) for labels in (first, second))
    return ArmTest(
        test="fisher",
        difference=newcombe(k, n, other, of),
        cohens_h=cohens_h(k / max(n, 1), other / max(of, 1)),
        p=fisher(k, n, other, of),
    )


def compare_cells(
    cell: CellResult,
    reference: CellResult,
    labels: Mapping[str, Labels],
    sampled: Mapping[str, Clusters],
) -> Comparison | None:
    """A chosen cell beside a baseline or a control, `p_holm` left open.

    Args:
        cell: the chosen cell.
        reference: a baseline or a control.
        labels: of every cell by its id.
        sampled: of every cell whose prompts were sampled several times, by its id, the refusals.

    Returns:
        None where one of the two failed, or knows no refusals.
    """
    if cell.failure or reference.failure or any(REFUSAL not in one.counts for one in (cell, reference)):
        return None
    if cell.id in sampled and reference.id in sampled:
        found = compare_shares(sampled[cell.id], sampled[reference.id])
    else:
        found = compare_paired(labels[cell.id], labels[reference.id], REFUSAL)
    if not found.n:
        return None
    return Comparison(
        cell=cell.id,
        reference=reference.id,
        role=reference.role,
        label=REFUSAL,
        test=found.test,
        n=found.n,
        both=found.both,
        cell_only=found.first_only,
        reference_only=found.second_only,
        neither=found.neither,
        difference=found.difference,
        cohens_h=found.cohens_h,
        p=found.p,
    )


def with_holm(comparisons: Sequence[Comparison]) -> tuple[Comparison, ...]:
    """The comparisons of a run, which are one family, with adjusted p-values."""
    adjusted = holm([entry.p for entry in comparisons])
    return tuple(evolve(entry, p_holm=p) for entry, p in zip(comparisons, adjusted, strict=True))


def _count(labels: Labels, label: str) -> int:
    return sum(found == label for found in labels.values())
