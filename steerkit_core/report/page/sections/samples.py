"""What the model wrote, cell by cell, next to the baseline."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen
from markupsafe import Markup

from steerkit_core.report.charts.palette import label_colour
from steerkit_core.report.content.marks import evidence_spans, marked_text
from steerkit_core.report.content.record import RunRecord
from steerkit_core.report.page.sections.base import Section
from steerkit_core.report.page.sections.cells import where
from steerkit_core.report.page.telling import Pair, choose
from steerkit_core.results.cells import CellResult
from steerkit_core.results.rows import JudgedRow


def section(run: RunRecord, room: int) -> Section | None:
    """Samples of all cells in at most about `room` bytes; None where the run has kept no texts."""
    if not run.judged:
        return None
    pairs = {cell.id: _pairs(run, cell) for cell in _in_order(run)}
    chosen = choose(pairs, run.results.selected, room)
    total = sum(map(len, pairs.values()))
    shown = sum(map(len, chosen.values()))
    cells = [_cell(run, run.cells[id_], pairs[id_], places) for id_, places in chosen.items()]
    values = {
        "cells": cells,
        "shown": shown,
        "total": total,
        "whole": run.results.selected,
        "colour": label_colour,
        "left_out": sum(not places for places in chosen.values()),
        "options": _options([cell for cell in cells if cell.samples]),
    }
    return Section("samples", "What the model wrote", values)


def _in_order(run: RunRecord) -> list[CellResult]:
    """The selected cell, the baselines, the other chosen ones, the swept ones, the controls."""
    ranks = {"baseline": 1, "steered": 3, "control": 4}

    def rank(cell: CellResult) -> tuple[int, str, str, int, float]:
        first = 2 if cell.selected else ranks[cell.role]
        first = 0 if cell.id == run.results.selected else first
        return first, cell.model, cell.quantization, cell.layer or 0, cell.multiplier or 0.0

    return sorted((cell for cell in run.results.cells if cell.id in run.judged), key=rank)


def _pairs(run: RunRecord, cell: CellResult) -> list[Pair]:
    plain = None if cell.role == "baseline" else run.baseline(cell)
    beside = {} if plain is None else {row.prompt_id: row for row in run.judged.get(plain.id, ())}
    return [(row, beside.get(row.prompt_id)) for row in run.judged[cell.id]]


@frozen(kw_only=True)
class Sample:
    """A completion, and what the baseline has on the same prompt."""

    id: str
    prompt: Markup
    label: str | None
    why: str
    text: Markup
    baseline: Markup | None
    baseline_label: str | None


@frozen(kw_only=True)
class SampledCell:
    """A cell with its samples, as the page shows it; `total` is how many completions it has."""

    id: str
    name: str
    selected: bool
    layer: str
    multiplier: str
    role: str
    counts: str
    total: int
    samples: Sequence[Sample]


def _cell(run: RunRecord, cell: CellResult, pairs: Sequence[Pair], places: Sequence[int]) -> SampledCell:
    return SampledCell(
        id=cell.id,
        name=name_of_cell(run, cell),
        selected=cell.id == run.results.selected,
        layer="" if cell.layer is None else str(cell.layer),
        multiplier="" if cell.multiplier is None else f"{cell.multiplier:g}",
        role=cell.role,
        counts=", ".join(f"{count} {label}" for label, count in cell.counts.items() if count),
        total=len(pairs),
        samples=[_sample(*pairs[place]) for place in places],
    )


def name_of_cell(run: RunRecord, cell: CellResult) -> str:
    """The place and strength, and what tells the cell from others of the run."""
    parts = [where(cell) if cell.role == "baseline" else f"layer {where(cell)}"]
    parts += [f"multiplier {cell.multiplier:g}"] if cell.multiplier is not None else []
    for key in ("model", "quantization", "extractor", "source", "site", "position"):
        if cell.role == "baseline" and key not in ("model", "quantization"):
            continue
        value = getattr(cell, key)
        if key in run.varying and value is not None:
            parts.append(f"position {value}" if key == "position" else str(value))
    return ", ".join([*parts, cell.prompts])


def _sample(row: JudgedRow, plain: JudgedRow | None) -> Sample:
    return Sample(
        id=row.prompt_id,
        prompt=marked_text(row.prompt),
        label=row.label,
        why=_why(row),
        text=_text(row),
        baseline=None if plain is None else _text(plain),
        baseline_label=None if plain is None else plain.label,
    )


def _why(row: JudgedRow) -> str:
    """The rule that decided, and its evidence where that cannot be marked."""
    rule, evidence = row.rule or "", row.evidence or ""
    if row.label == "failed" or not evidence or evidence_spans(row.text, row):
        return "" if row.label == "failed" else rule
    return f"{rule}: {evidence}" if rule else evidence


def _text(row: JudgedRow) -> Markup:
    text = row.text or row.error or ""
    return marked_text(text, evidence_spans(text, row))


def _options(cells: Sequence[SampledCell]) -> dict[str, list[str]]:
    """What each of the filters can be set to."""
    labels = {str(sample.label) for cell in cells for sample in cell.samples}
    return {
        "label": sorted(labels),
        "role": sorted({cell.role for cell in cells}),
        "layer": sorted({cell.layer for cell in cells if cell.layer}, key=int),
        "multiplier": sorted({cell.multiplier for cell in cells if cell.multiplier}, key=float),
    }
