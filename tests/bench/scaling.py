"""Runs of 10, 100 and 1,000 cells: what does one more cell cost?"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from bench import process
from bench.models import prompts
from bench.report import Section

HEADINGS = ("cells", "time, s", "per cell, ms", "per added cell, ms", "peak memory, MB")
LAYERS, PROMPTS, TOKENS = 10, 4, 8
RECIPE = """\
[run]
name = "scaling"
[model]
id = "bundled:qwen2-s"
[prompts]
contrast = "refusal-5"
evaluation = "few.jsonl"
[extractor]
use = "dim"
[selector]
use = "fixed"
layer = 0
[site]
use = "residual-add"
[classifier]
use = "refusal-keywords"
[controls]
random = 0
shuffled = 0
flipped = false
[generation]
max_new_tokens = {tokens}
[grid]
"selector.layer" = {layers}
"site.multiplier" = {multipliers}
"""


def scaling(sizes: tuple[int, ...]) -> Section:
    """Whole runs through the command line, each in a process of its own."""
    rows: list[tuple[str, ...]] = []
    figures: list[dict[str, Any]] = []
    for cells in sizes:
        with tempfile.TemporaryDirectory() as folder:
            done = process.run(
                "steerkit", "run", str(recipe(Path(folder), cells)), "--quiet", "--out", f"{folder}/run"
            )
            results = json.loads((Path(folder) / "run" / "results.json").read_text(encoding="utf-8"))
        steered = sum(cell["role"] == "steered" for cell in results["cells"])
        assert steered == cells, f"{steered} cells, expected {cells}"
        before = figures[-1] if figures else None
        more = 1000 * (done.seconds - before["seconds"]) / (cells - before["cells"]) if before else None
        figures.append({"cells": cells, "seconds": round(done.seconds, 2), "peak_bytes": done.peak})
        each = f"{1000 * done.seconds / cells:,.0f}"
        added = "" if more is None else f"{more:,.1f}"
        rows.append((f"{cells:,}", f"{done.seconds:.1f}", each, added, f"{done.peak / 1e6:,.0f}"))
    notes = (
        (
            f"`steerkit run` on qwen2-s from start to report: {PROMPTS} prompts a cell, {TOKENS} new tokens each;"
            " aim: the cost of a cell falls or stays flat, and memory does not grow with the cells"
        ),
    )
    return Section("scaling", "Cost of a cell", HEADINGS, rows, figures, notes)


def recipe(folder: Path, cells: int) -> Path:
    """A grid of ten layers and as many multipliers as it takes."""
    few = "\n".join(json.dumps({"id": one.id, "text": one.text}) for one in prompts("benign-30")[:PROMPTS])
    (folder / "few.jsonl").write_text(few + "\n", encoding="utf-8")
    path = folder / "recipe.toml"
    multipliers = [round(1 + 0.1 * k, 1) for k in range(cells // LAYERS)]
    text = RECIPE.format(tokens=TOKENS, layers=list(range(LAYERS)), multipliers=multipliers)
    path.write_text(text, encoding="utf-8")
    return path
