"""COUNT: what the verdicts on a cell's rows come to, in counts over rows and in rates over prompts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import attrs

from steerkit_core.results.cells import CellFacts, CellRate, CellResult
from steerkit_core.stats import clustered_wilson, fold, wilson
from steerkit_core.steering.cells import Cell
from steerkit_core.values import Completion, Verdict

FACTS = tuple(one.name for one in attrs.fields(CellFacts))


Judged = Sequence[tuple[Completion, Verdict | None]]


def count(cell: Cell, judged: Judged, edited: int | None = None) -> CellResult:
    """What a cell came to: counts over the rows that have a verdict, rates over prompts.

    Args:
        cell: the cell.
        judged: the rows that were asked for, fewer than the cell has prompts where it was ended early.
        edited: on how many of them anything was edited, where a condition may hold for some only.
    """
    labels = [verdict.label for _, verdict in judged if verdict is not None]
    counts = {label: labels.count(label) for label in cell.setting.classifier.labels}
    observed = list(labels_of(judged).values())
    causes = [completion.error for completion, _ in judged if completion.error is not None]
    return CellResult(
        **{name: getattr(cell.facts, name) for name in FACTS},
        n=len(labels),
        n_unique=len(observed),
        failed=len(judged) - len(labels),
        prompts_total=len(cell.prompts.prompts),
        errors=tuple(sorted(set(causes))),
        failure=failure_cause(causes, len(judged)),
        stops=dict(sorted(Counter(completion.stop for completion, _ in judged).items())),
        counts=counts,
        rates={label: _rate(cell, label, judged, observed) for label in counts},
        edited=edited,
        selected=False,
    )


def _rate(cell: Cell, label: str, judged: Judged, observed: Sequence[str]) -> CellRate:
    """How often a label was given: by prompt, or where completions of a prompt were sampled by completion.

    Greedy repeats are the same, and folded into `observed`; of sampled ones every completion is counted,
    and the interval is that of their effective number.
    """
    rate, effective = wilson(observed.count(label), len(observed)), float(len(observed))
    if by_text := sampled_clusters(cell, judged, label):
        rate, effective = clustered_wilson(list(by_text.values()))
    return CellRate(k=rate.k, n=rate.n, rate=rate.rate, low=rate.low, high=rate.high, n_effective=effective)


def sampled_clusters(cell: Cell, judged: Judged, label: str) -> dict[str, tuple[int, int]]:
    """`clusters_of` a cell with several sampled completions of a prompt; nothing of any other."""
    found = clusters_of(judged, label) if cell.setting.generation.temperature > 0 else {}
    return found if any(size > 1 for _, size in found.values()) else {}


def clusters_of(judged: Judged, label: str) -> dict[str, tuple[int, int]]:
    """For each prompt that has a verdict, by its text: completions with the label, and all of them."""
    found: dict[str, tuple[int, int]] = {}
    for row, verdict in judged:
        if verdict is not None:
            k, size = found.get(row.prompt.text, (0, 0))
            found[row.prompt.text] = (k + (verdict.label == label), size + 1)
    return found


def shares_of(judged: Judged, label: str, *, sampled: bool) -> dict[str, float]:
    """The share of each prompt's completions that have a label; of greedy ones, which are one, 0 or 1."""
    if not sampled:
        return {text: float(found == label) for text, found in labels_of(judged).items()}
    return {text: k / size for text, (k, size) in clusters_of(judged, label).items()}


def labels_of(judged: Judged) -> dict[str, str]:
    """One label for each prompt that has a verdict, by its text: repeats are one observation."""
    return fold((row.prompt.text, verdict.label) for row, verdict in judged if verdict is not None)


def failure_cause(causes: Sequence[str], rows: int) -> str | None:
    """Why a cell failed as a whole, which it did if at least half of its rows failed; else None.

    The few rows that are left of such a cell say nothing about the intervention.
    """
    if not causes or 2 * len(causes) < rows:
        return None
    common = max(sorted(set(causes)), key=causes.count)
    return f"{len(causes)} of {rows} completions failed: {common}"
