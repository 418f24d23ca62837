"""Where the commands that take a RUN get it from; all checks of run directories are behind these."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from steerkit_core.cli.application import run_folder

if TYPE_CHECKING:
    from steerkit_core.results.rows import JudgedRow
    from steerkit_core.results.run import KeptRun

__all__ = ["files_of", "finished_run", "judged_rows", "run_folder"]


def finished_run(run: Path) -> KeptRun:
    """The run that a command is given: a folder, or the name of one below `runs/`, checked.

    Raises:
        StoreError: there is no such run, or it has not ended, lacks a file, was edited by hand, or is of a
            newer steerkit.
    """
    from steerkit_core.results.run import read_run

    return read_run(run_folder(run))


def judged_rows(folder: Path, cell: str) -> list[JudgedRow]:
    """The completions of a cell, each with its verdict.

    Raises:
        StoreError: a file of the run is missing or damaged.
    """
    from steerkit_core.results.run import rows_of

    return rows_of(folder, cell)


def files_of(folder: Path) -> dict[str, str]:
    """The files that a run has left, by name, for a program that reads them."""
    names = sorted(path.name for path in folder.iterdir() if path.is_file() and path.name[0] != ".")
    return {name: str(folder / name) for name in names}
