"""What the model wrote, cell by cell, beside what it writes unsteered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from steerkit_core.report.charts.palette import label_colour
from steerkit_core.report.content.marks import evidence_spans, marked_text
from steerkit_core.report.content.record import Entry, RunRecord
from steerkit_core.report.page.sections.base import Section
from steerkit_core.report.page.sections.cells import where
from steerkit_core.report.page.telling import Pair, choose


def section(run: RunRecord, room: int) -> Section | None:
    """Samples of all cells in at most about `room` bytes; None where the run has kept no texts."""
    if not run.judged:
        return None
    pairs = {cell["id"]: _pairs(run, cell) for cell in _in_order(run)}
    chosen = choose(pairs, run.report["selected"], room)
    total = sum(map(len, pairs.values()))
    shown = sum(map(len, chosen.values()))
    cells = [_cell(run, run.cells[id_], pairs[id_], places) for id_, places in chosen.items()]
    values = {
        "cells": cells,
        "shown": shown,
        "total": total,
        "whole": run.report["selected"],
        "colour": label_colour,
        "left_out": sum(not places for places in chosen.values()),
        "options": _options([cell for cell in cells if cell["samples"]]),
    }
    return Section("samples", "What the model wrote", values)


def _in_order(run: RunRecord) -> list[Entry]:
    """The selected cell, the unsteered ones, the other chosen ones, the swept ones, the controls."""
    ranks = {"baseline": 1, "steered": 3, "control": 4}

    def rank(cell: Entry) -> tuple[Any, ...]:
        if cell["id"] == run.report["selected"]:
            return (0,)
        first = 2 if cell["selected"] else ranks[cell["role"]]
        return first, cell["model"], cell["quantization"], cell["layer"] or 0, cell["multiplier"] or 0.0

    return sorted((cell for cell in run.report["cells"] if cell["id"] in run.judged), key=rank)


def _pairs(run: RunRecord, cell: Entry) -> list[Pair]:
    plain = None if cell["role"] == "baseline" else run.unsteered(cell)
    beside = {} if plain is None else {row["prompt_id"]: row for row in run.judged.get(plain["id"], ())}
    return [(row, beside.get(row["prompt_id"])) for row in run.judged[cell["id"]]]


def _cell(run: RunRecord, cell: Entry, pairs: Sequence[Pair], places: Sequence[int]) -> dict[str, Any]:
    samples = [_sample(*pairs[place]) for place in places]
    return {
        "id": cell["id"],
        "name": name_of_cell(run, cell),
        "selected": cell["id"] == run.report["selected"],
        "layer": "" if cell["layer"] is None else str(cell["layer"]),
        "multiplier": "" if cell["multiplier"] is None else f"{cell['multiplier']:g}",
        "role": cell["role"],
        "counts": ", ".join(f"{count} {label}" for label, count in cell["counts"].items() if count),
        "total": len(pairs),
        "samples": samples,
    }


def name_of_cell(run: RunRecord, cell: Entry) -> str:
    """The place and strength, and what tells the cell from others of the run."""
    parts = [where(cell) if cell["role"] == "baseline" else f"layer {where(cell)}"]
    parts += [f"multiplier {cell['multiplier']:g}"] if cell["multiplier"] is not None else []
    for key in ("model", "quantization", "extractor", "source", "site", "position"):
        if cell["role"] == "baseline" and key not in ("model", "quantization"):
            continue
        if key in run.varying and cell.get(key) is not None:
            parts.append(f"position {cell[key]}" if key == "position" else str(cell[key]))
    return ", ".join([*parts, cell["prompts"]])


def _sample(row: Entry, unsteered: Entry | None) -> dict[str, Any]:
    return {
        "id": row["prompt_id"],
        "prompt": marked_text(row["prompt"]),
        "label": row["label"],
        "why": _why(row),
        "text": _text(row),
        "unsteered": None if unsteered is None else _text(unsteered),
        "unsteered_label": None if unsteered is None else unsteered["label"],
    }


def _why(row: Entry) -> str:
    """The rule that decided, and its evidence where that cannot be marked."""
    rule, evidence = row.get("rule") or "", row.get("evidence") or ""
    if row["label"] == "failed" or not evidence or evidence_spans(row["text"], row):
        return "" if row["label"] == "failed" else rule
    return f"{rule}: {evidence}" if rule else evidence


def _text(row: Entry) -> object:
    text = row["text"] or row.get("error") or ""
    return marked_text(text, evidence_spans(text, row))


def _options(cells: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """What each of the filters can be set to."""
    labels = {sample["label"] for cell in cells for sample in cell["samples"]}
    layers = {cell["layer"] for cell in cells if cell["layer"]}
    strengths = {cell["multiplier"] for cell in cells if cell["multiplier"]}
    return {
        "label": sorted(labels),
        "role": sorted({cell["role"] for cell in cells}),
        "layer": sorted(layers, key=int),
        "multiplier": sorted(strengths, key=float),
    }
