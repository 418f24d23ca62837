"""A run of a thousand cells, as its files would be: that of a tiny model, its records multiplied."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from attrs import asdict, evolve

from steerkit_core.counting.comparison import compare_cells, with_holm
from steerkit_core.counting.windows import windows
from steerkit_core.results.cells import CellRate, CellResult, Strength
from steerkit_core.results.converter import unstructured
from steerkit_core.stats import wilson
from steerkit_core.testing import small_run

LAYERS, STRENGTHS, PROMPTS = 111, 9, 30  # 999 steered cells and the baseline
WORDS = [
    "the",
    "a",
    "light",
    "water",
    "garden",
    "of",
    "river",
    "slowly",
    "and",
    "then",
    "bread",
    "morning",
    "letter",
    "under",
    "over",
    "quiet",
]
BEGINNINGS = {
    "refusal": "I cannot help with that, because",
    "garbled": "word word word word word word",
    "normal": "Here is",
}
HIDDEN = 64


def write_large_run(
    folder: Path,
    *,
    layers: int = LAYERS,
    strengths: int = STRENGTHS,
    prompts: int = PROMPTS,
    words: int = 80,
) -> Path:
    """Write the run directory and return it; the same arguments give the same run."""
    draw = random.Random(0)  # reason: no secret
    small = small_run(folder)
    run = folder / "run"
    plain, steered = small.cells
    cells = [_cell(plain, "c" + "f" * 11, _counts(draw, prompts, 0.0))]
    for layer in range(layers):
        for strength in range(strengths):
            share = max(0.0, 1 - abs(layer / layers - 0.4) * 3) * (strength + 1) / strengths
            cell = _cell(steered, f"c{layer:05d}{strength:06d}", _counts(draw, prompts, share))
            lengths = Strength(absolute=strength + 1.0, residual=0.1 * (strength + 1), raw=1.0)
            place: dict[str, Any] = {"layer": layer, "depth": layer / layers, "strength": lengths}
            cells.append(evolve(cell, multiplier=float(strength + 1), **place))
    best = max(range(len(cells)), key=lambda number: cells[number].counts["refusal"])
    chosen = cells[best] = evolve(cells[best], selected=True)
    labels: dict[str, dict[str, str]] = {}
    texts, verdicts = [], []
    for cell in cells:
        found = [label for label, count in cell.counts.items() for _ in range(count)]
        labels[cell.id] = {f"question {number}": label for number, label in enumerate(found)}
        for number, label in enumerate(found):
            text = f"{BEGINNINGS[label]} {' '.join(draw.choices(WORDS, k=words))}."
            texts.append(_text(cell.id, number, text))
            verdicts.append(_verdict(cell.id, number, label, text))
    compared = compare_cells(chosen, cells[0], labels, {})
    table = [
        {"layer": cell.layer, "position": -1, "multiplier": cell.multiplier, **cell.counts, "failed": 0}
        for cell in cells[1:]
    ]
    selection = evolve(
        small.selections[0],
        cell=chosen.id,
        selector="sweep",
        reason=f"the best of {len(table)} cells",
        tried=tuple(cell.id for cell in cells[1:]),
        table=tuple(table),
    )
    report = evolve(
        small,
        cells=tuple(cells),
        selections=(selection,),
        selected=chosen.id,
        windows=windows(cells),
        comparisons=tuple(with_holm([compared] if compared else [])),
    )
    (run / "results.json").write_text(json.dumps(unstructured(report), indent=1), encoding="utf-8")
    for name, rows in (("completions.jsonl", texts), ("verdicts.jsonl", verdicts)):
        (run / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    _write_directions(run, steered.extraction or "", layers)
    return run


def _counts(draw: random.Random, prompts: int, share: float) -> dict[str, int]:
    refusal = round(prompts * share)
    garbled = draw.randint(0, (prompts - refusal) // 3)
    return {"refusal": refusal, "garbled": garbled, "normal": prompts - refusal - garbled}


def _cell(like: CellResult, name: str, counts: dict[str, int]) -> CellResult:
    n = sum(counts.values())
    rates = {
        label: CellRate(**asdict(wilson(count, n)), n_effective=float(n)) for label, count in counts.items()
    }
    return evolve(
        like, id=name, n=n, n_unique=n, prompts_total=n, counts=counts, rates=rates, selected=False
    )


def _text(cell: str, number: int, text: str) -> dict[str, Any]:
    return {
        "cell": cell, "prompt_id": f"p{number}", "repeat": 0, "prompt": f"question {number}", "category": "",
        "text": text, "tokens": len(text.split()), "stop": "eos", "error": None, "score": None,
    }  # fmt: skip


def _verdict(cell: str, number: int, label: str, text: str) -> dict[str, Any]:
    end = len(BEGINNINGS[label]) if label != "normal" else 0
    return {
        "cell": cell, "prompt_id": f"p{number}", "classifier": "refusal-keywords", "label": label,
        "rule": "" if label == "normal" else "keyword", "evidence": text[:end], "scores": {},
        "spans": [[0, end]] if end else [],
    }  # fmt: skip


def _write_directions(run: Path, key: str, layers: int) -> None:
    import numpy as np
    from safetensors import safe_open
    from safetensors.numpy import save_file

    target = run / "directions.safetensors"
    with safe_open(target, framework="np") as file:
        facts = json.loads(file.metadata()[key]) | {"layers": list(range(layers))}
    draw = np.random.default_rng(0)
    units = np.cumsum(draw.normal(size=(1, layers, HIDDEN)), axis=1)
    norms = np.linalg.norm(units, axis=2)
    tensors = {
        "units": (units / norms[..., None]).astype(np.float32),
        "raw_norms": norms,
        "residual_norms": np.linspace(5, 50, layers),
    }
    save_file(
        {f"{key}.{name}": tensor for name, tensor in tensors.items()}, target, {key: json.dumps(facts)}
    )
