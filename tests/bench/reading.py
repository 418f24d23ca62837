"""What a reader of a large run waits for: its page, and its table in a terminal."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from bench.large import LAYERS, PROMPTS, STRENGTHS, write_large_run
from bench.report import Section
from bench.startup import HEADINGS, seconds


def reading(repeats: int) -> Section:
    """`steerkit report` and `steerkit show` of a run of a thousand cells, start-up included."""
    with tempfile.TemporaryDirectory() as place:
        run = write_large_run(Path(place))
        page = Path(place) / "page.html"
        command = [sys.executable, "-m", "steerkit_core"]
        written = seconds([*command, "report", str(run), "--out", str(page)], repeats)
        size = page.stat().st_size
        shown = seconds([*command, "show", str(run)], repeats)
    rows = [
        ("steerkit report, time", written.text(2, "s"), "", "< 10 s"),
        ("steerkit report, size of the page", f"{size / 1e6:.2f} MB", "", "< 3 MB"),
        ("steerkit show", shown.text(2, "s"), "", "< 1 s"),
    ]
    cells = 1 + LAYERS * STRENGTHS
    notes = (
        (
            f"a run of {cells:,} cells ({LAYERS} layers, {STRENGTHS} multipliers and the baseline) of"
            f" {PROMPTS} prompts, {cells * PROMPTS:,} completions of 80 words; start-up included; median of"
            f" {repeats}, and the extremes"
        ),
    )
    return Section("report", "Reading a run of a thousand cells", HEADINGS, rows, None, notes)
