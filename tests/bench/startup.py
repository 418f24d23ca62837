"""What a newcomer waits for: the commands that load no model, and the README's run."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import process
from bench.report import Section, Spread

HEADINGS = ("what", "measured", "beside it", "aim")


def startup(repeats: int) -> Section:
    """The commands beside a bare import of torch, which they must not do."""
    rows = []
    bare = seconds([sys.executable, "-c", "import torch"], repeats)
    for words in (["check", "quickstart"], ["plugins"]):
        own = seconds([sys.executable, "-m", "steerkit_core", *words], repeats)
        beside = f"import torch: {bare.text(2, 's')}"
        rows.append((f"steerkit {' '.join(words)}", own.text(2, "s"), beside, "< 0.5 s"))
    return Section("startup", "Start-up", HEADINGS, rows, None, (f"median of {repeats}, and the extremes",))


def quickstart() -> Section:
    """The README's run, once, as a process of its own with its peak memory."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        done = process.run("steerkit", "run", "quickstart", "--quiet", "--out", str(out))
        report = json.loads((out / "results.json").read_text(encoding="utf-8"))
    best = next(cell for cell in report["cells"] if cell["id"] == report["selected"])
    plain = next(cell for cell in report["cells"] if cell["role"] == "baseline")
    refusals = f"{best['counts']['refusal']}/{best['n']}"
    baseline = f"baseline: {plain['counts']['refusal']}/{plain['n']}"
    rows = [
        ("steerkit run quickstart, time", f"{done.seconds:.0f} s", "", "< 60 s"),
        ("steerkit run quickstart, peak memory", f"{done.peak / 1e9:.2f} GB", "", "< 2 GB"),
        ("steerkit run quickstart, coherent refusals", refusals, baseline, ">= 27/30"),
    ]
    return Section("quickstart", "Quickstart", HEADINGS, rows)


def seconds(command: list[str], repeats: int) -> Spread:
    """Wall time of a process; the first run, which fills caches, is not counted."""
    times = []
    for _ in range(repeats + 1):
        begun = time.monotonic()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        times.append(time.monotonic() - begun)
    return Spread.of(times[1:])
