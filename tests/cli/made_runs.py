"""Run directories that are written by hand, with all that readers count on."""

import json
from pathlib import Path

from steerkit_core.files.fingerprints import document_fingerprint

MARK = document_fingerprint({})


def cell_entry(name, counts, **columns):
    """A cell of `results.json`; its rates have the counts, and intervals that nobody reads."""
    n = sum(counts.values())
    rates = {label: {"k": k, "n": n, "rate": k / n, "low": 0.0, "high": 1.0} for label, k in counts.items()}
    return {
        "id": name, "model": "m", "quantization": "none", "role": "steered", "prompts": "letters",
        "classifier": "refusal-keywords", "options": {"classifier": {}}, "layer": 5, "depth": 0.5,
        "multiplier": 15.0, "n": n, "failed": 0, "prompts_total": n, "errors": [], "counts": counts,
        "rates": rates, "selected": False, **columns,
    }  # fmt: skip


def write_made_run(folder, cells, **columns):
    """Manifest, recipe and results of a run that has ended; `columns` are further ones of the results."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    report = {
        "schema_version": 1, "run": {"name": folder.name, "recipe_fingerprint": MARK}, "cells": cells,
        "selections": [], "selected": None, "notes": [], **columns,
    }  # fmt: skip
    manifest = {
        "schema_version": 1, "name": folder.name, "recipe_fingerprint": MARK, "recipe": "made.toml",
        "started": "2026-01-01T00:00:00+00:00", "resumed": [], "finished": "2026-01-01T00:01:00+00:00",
        "settings": [], "models": [],
    }  # fmt: skip
    (folder / "results.json").write_text(json.dumps(report))
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "recipe.toml").write_text("")
    return folder


def write_rows(folder, name, rows):
    """One of the files of lines."""
    (Path(folder) / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
