"""Results that are written down in a test: the columns that it is about, and plain ones for the others."""

from as_json import from_json

from steerkit_core.results.cells import CellResult
from steerkit_core.results.findings import Comparison, SelectionResult
from steerkit_core.results.manifest import Manifest
from steerkit_core.results.results import RunResults
from steerkit_core.results.rows import JudgedRow

CELL = {
    "id": "c1", "model": "m", "quantization": "none", "prompts": "p", "classifier": "k", "role": "steered",
    "options": {}, "layer": None, "depth": None, "multiplier": None, "n": 10, "failed": 0,
    "prompts_total": 10, "errors": [], "counts": {}, "rates": {}, "selected": False,
}  # fmt: skip
ROW = {
    "cell": "c1", "prompt_id": "p1", "prompt": "prompt", "text": "text", "tokens": 1, "stop": "eos",
    "error": None, "label": "normal", "rule": "", "evidence": "",
}  # fmt: skip
COMPARISON = {
    "cell": "c1", "reference": "c0", "role": "baseline", "label": "refusal", "test": "mcnemar", "n": 10,
    "both": 0, "cell_only": 8, "reference_only": 1, "neither": 1,
    "difference": {"value": 0.7, "low": 0.312, "high": 0.888}, "cohens_h": 1.4, "p": 0.0004, "p_holm": 0.0009,
}  # fmt: skip
SELECTION = {"cell": "c1", "table": []}
RUN = {"run": {"name": "run"}, "cells": [], "selected": None, "notes": []}
MANIFEST = {"recipe_fingerprint": "f", "started": "2026-01-01T00:00:00+00:00", "settings": [], "models": []}


def cell_entry(**columns):
    """A cell as `results.json` has it."""
    return {**CELL, **columns}


def cell_result(**columns):
    return from_json(CellResult, cell_entry(**columns))


def judged_row(**columns):
    return from_json(JudgedRow, {**ROW, **columns})


def comparison(**columns):
    return from_json(Comparison, {**COMPARISON, **columns})


def selection(**columns):
    return from_json(SelectionResult, {**SELECTION, **columns})


def run_results(**columns):
    selections = [{**SELECTION, **entry} for entry in columns.pop("selections", ())]
    return from_json(RunResults, {**RUN, "selections": selections, **columns})


def manifest(**columns):
    return from_json(Manifest, {**MANIFEST, **columns})
