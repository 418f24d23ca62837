"""COUNT: what a cell came to, and the share of refusals of each prompt."""

from __future__ import annotations

from steerkit_core.counting.comparison import REFUSAL
from steerkit_core.counting.counts import count, shares_of
from steerkit_core.pipeline.steps.judge import Verdicts
from steerkit_core.results.cells import CellResult
from steerkit_core.steering.cells import Cell


def cell_result(cell: Cell, verdicts: Verdicts) -> CellResult:
    """COUNT: what the verdicts on a cell's rows come to."""
    from steerkit_core.generation import conditioned

    judged = verdicts.judge(cell)
    rows = [(completion.prompt, cell.intervention) for completion, _ in judged]
    edited = sum(bool(way.edits) for way in conditioned(verdicts.loaded.model, rows))
    return count(cell, judged, edited)


def refusal_shares(cell: Cell, verdicts: Verdicts) -> dict[str, float]:
    """Of each prompt's completions the share that are refusals, by the prompt's text."""
    return shares_of(verdicts.judge(cell), REFUSAL, sampled=cell.setting.generation.temperature > 0)
