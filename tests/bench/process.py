"""Other Python processes, with the memory that they needed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

TESTS = Path(__file__).parents[1]


@frozen
class Finished:
    """Wall time in seconds, and the peak of the resident memory in bytes."""

    seconds: float
    peak: int
    said: dict[str, Any]


def run(*words: str) -> Finished:
    """`python -m bench.process WORDS`, measured."""
    path = os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])])
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer.json"
        begun = time.monotonic()
        subprocess.run(
            [sys.executable, "-m", "bench.process", str(answer), *words],
            check=True,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": path},
        )
        seconds = time.monotonic() - begun
        said = json.loads(answer.read_text(encoding="utf-8"))
    return Finished(seconds, said.pop("peak"), said)


def memory(kind: str) -> int:
    """Resident memory of this process, in bytes: `VmRSS` now, `VmHWM` at its peak.

    Not `ru_maxrss`, which begins with that of the process that started this one.
    """
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{kind}:"))


def main(words: Sequence[str]) -> None:
    """Run a command of steerkit's, or extract one way, and leave word of the memory."""
    answer, what, *rest = words
    said: dict[str, Any] = {}
    if what == "steerkit":
        from steerkit_core.cli import main as steerkit

        sys.argv = ["steerkit", *rest]
        try:
            steerkit()
        except SystemExit as ended:
            if ended.code:
                raise
    else:
        from bench.extraction import alone

        said = alone(*rest)
    Path(answer).write_text(json.dumps({**said, "peak": memory("VmHWM")}), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
