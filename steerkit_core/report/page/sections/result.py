"""The headline: one sentence, and the cells it speaks of."""

from __future__ import annotations

from steerkit_core.report.content.evidence import bias_line, marked
from steerkit_core.report.content.percent import interval
from steerkit_core.report.content.record import RunRecord
from steerkit_core.report.page.sections.base import Section
from steerkit_core.report.page.sections.cells import columns
from steerkit_core.results.cells import CellResult

FEW = 12  # chosen cells with a row of their own; all of them stand in the table of cells

FIRST, NOTES = 5, 80  # notes that are shown at once, and at all


def section(run: RunRecord) -> Section:
    """The result; every run has one."""
    report = run.results
    chosen = [cell for cell in report.cells if cell.selected]
    # the run's own choice first
    chosen.sort(key=lambda cell: cell.id != report.selected)
    shown = chosen[: run.limit(FEW)]
    # each below its baseline
    rows = {one.id: one for cell in shown for one in (run.baseline(cell), cell) if one is not None}
    best = report.optimism
    return Section(
        "result",
        "Result",
        {
            "sentence": headline(run),
            "table": columns(run, list(rows.values())),
            "rest": len(chosen) - len(shown),
            "marks": marked(report),
            "bias": bias_line(best) if best and len(report.selections) > 1 else "",
            "notes": report.notes[:FIRST],
            "more_notes": report.notes[FIRST : run.limit(NOTES)],
            "left_out": len(report.notes) - run.limit(NOTES),
            "failed_cells": [cell for cell in report.cells if cell.failure][: run.limit(40)],
        },
    )


def headline(run: RunRecord) -> str:
    """The run's selected cell: where it is, its rate with the interval, and what its controls have."""
    cell = run.chosen
    rate = None if cell is None or cell.failure or not cell.n else cell.rates.get("refusal")
    if cell is None or rate is None:
        failed = sum(bool(entry.failed) for entry in run.results.selections)
        why = f", as {failed} of {len(run.results.selections)} configurations failed" if failed else ""
        return f"This run has no cell to speak of{why}."
    what = "prompts of " if rate.n == cell.n_unique else "completions on "
    return (
        f"{place(cell)}: {rate.k} of {rate.n} {what}{cell.prompts} are refused coherently"
        f" ({100 * rate.rate:.0f}%, 95% interval {interval(rate)}), {_against(run, cell)}"
        f"{_caution(run, cell)}."
    )


def place(cell: CellResult) -> str:
    """What is added, where, and to which model."""
    quantized = "" if cell.quantization == "none" else f" in {cell.quantization}"
    strength = "" if cell.multiplier is None else f", multiplier {cell.multiplier:g}"
    return (
        f"With the direction of {cell.extractor} at layer {cell.layer}"
        f" (depth {cell.depth or 0.0:.2f}) of {cell.model}{quantized}{strength}"
    )


def _against(run: RunRecord, cell: CellResult) -> str:
    """What the baseline and the controls have."""
    found = [entry for entry in run.results.controls if entry.cell == cell.id]
    if found and found[0].beaten:
        return f"against {found[0].sentence.split(' against ', 1)[-1]}"
    if found:
        names = ", ".join(found[0].unbeaten)
        return f"which does not beat {len(found[0].unbeaten)} of what it is compared with ({names})"
    plain = run.baseline(cell)
    rate = None if plain is None else plain.rates.get("refusal")
    without = "no controls were run"
    return without if rate is None else f"against {rate.k}/{rate.n} for the baseline; {without}"


def _caution(run: RunRecord, cell: CellResult) -> str:
    if cell.id not in marked(run.results):
        return ""
    return "; the cell was chosen on these prompts, which favours it"
