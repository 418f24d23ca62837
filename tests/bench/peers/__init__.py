"""Other libraries, each in an environment of its own with the transformers that it needs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

from attrs import define

from bench.work import Work, Written, without_end

NEEDS = {
    "steering-vectors": ("steering-vectors==0.12.2", "transformers==4.57.6"),
    "repeng": ("repeng==0.4.0", "transformers==4.52.4"),
}
WORKER = Path(__file__).parent / "worker.py"


class PeerError(Exception):
    """A library that cannot be installed, or that fails on a model."""


def environment(peer: str, folder: Path) -> Path:
    """The Python of a peer's environment; made once, with the torch that steerkit is measured with.

    Raises:
        PeerError: it cannot be installed.
    """
    needs = [f"torch=={version('torch').split('+')[0]}", *NEEDS[peer]]
    place = folder / "-".join(need.replace("==", "-") for need in needs)
    python, made = place / "bin" / "python", place / "installed"
    if not made.exists():
        _call([sys.executable, "-m", "venv", "--clear", str(place)])
        _call([str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", *needs])
        made.touch()
    return python


def _call(command: list[str]) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise PeerError(_last_line(done.stderr))


def _last_line(text: str) -> str:
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "no message")


def write_work(work: Work, pad: int, folder: Path) -> None:
    """Put the work beside the model, for the workers to read."""
    cells = [{"layer": cell.layer, "shift": cell.shift.tolist()} for cell in work.cells]
    found = {"cells": cells, "encoded": work.encoded, "pad": pad}
    (folder / "work.json").write_text(json.dumps(found), encoding="utf-8")


@define
class Worker:
    """A peer that has a model loaded, and waits for work in a process of its own."""

    versions: dict[str, str]
    ends: frozenset[int]
    _process: subprocess.Popen[str]
    _errors: IO[str]

    @classmethod
    def start(cls, peer: str, python: Path, folder: Path, ends: frozenset[int]) -> Worker:
        """Load the model of a folder to which `write_work` has written.

        Raises:
            PeerError: the library cannot be imported, or cannot load the model.
        """
        import torch

        # a file: a pipe that nobody reads would fill up and stop the process
        errors = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115  # reason: `stop` closes it
        own = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        process = subprocess.Popen(
            [str(python), "-P", str(WORKER), peer, str(folder), str(torch.get_num_threads())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**own, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error"},
        )
        worker = cls({}, ends, process, errors)
        worker.versions = worker._answer()["versions"]
        return worker

    def write(self, work: Work, pairs: Sequence[tuple[int, int]]) -> Written:
        """Some pairs, grouped by cell; the prompts of a cell are one batch.

        Raises:
            PeerError: the library fails.
        """
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"pairs": pairs, "tokens": work.tokens}) + "\n")
        self._process.stdin.flush()
        found, texts, tokens = self._answer(), {}, 0
        for cell, prompt, ids in found["texts"]:
            texts[cell, prompt], made = without_end(ids, self.ends)
            tokens += made
        return Written(found["seconds"], tokens, texts)

    def stop(self) -> None:
        """End the process."""
        self._process.communicate("")
        self._errors.close()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.communicate()
            self._errors.seek(0)
            raise PeerError(_last_line(self._errors.read()))
        found: dict[str, Any] = json.loads(line)
        if "error" in found:
            raise PeerError(found["error"])
        return found
