"""The run directory: append-only, locked by one process, and resumable after any interruption."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from attrs import define, field
from filelock import FileLock, Timeout

from steerkit_core.errors import StoreError
from steerkit_core.files.atomic import replaced
from steerkit_core.files.reading import unwritable
from steerkit_core.results.cells import BegunCell
from steerkit_core.results.converter import unstructured
from steerkit_core.results.files import (
    CALIBRATIONS,
    CELLS,
    COMPLETIONS,
    JUDGEMENTS,
    MANIFEST,
    RECIPE,
    RESULTS,
    parsed_lines,
    read_json,
    read_manifest,
)
from steerkit_core.results.manifest import Manifest
from steerkit_core.results.rows import CalibrationRow, CompletionRow, JudgementRow
from steerkit_core.values import Completion, Prompt, StopReason

if TYPE_CHECKING:
    from torch import Tensor

T = TypeVar("T")


@define(eq=False)
class RunDirectory:
    """One run's folder, held open. Made by `open_run`; `manifest` is that of a resumed run."""

    path: Path
    manifest: Manifest | None = None
    completions: dict[tuple[str, str], Completion] = field(factory=dict)
    judgements: dict[str, JudgementRow] = field(factory=dict)
    calibrations: dict[str, CalibrationRow] = field(factory=dict)
    cells: set[str] = field(factory=set)
    _sinks: dict[str, FileIO] = field(factory=dict)

    def append(self, cell: str, completion: Completion) -> None:
        """Keep one finished row; it is in the hands of the operating system when this returns.

        Raises:
            StoreError: the disk is full or the file cannot be written; the rows before it are safe.
        """
        self._append(
            COMPLETIONS, CompletionRow.of(cell, completion), f"{len(self.completions)} completions are kept"
        )
        self.completions[cell, completion.prompt.id] = completion

    def append_cell(self, cell: BegunCell) -> None:
        """Keep what a cell is as soon as it is begun, so that an unfinished run can be read; once.

        Raises:
            StoreError: the disk is full or the file cannot be written; what was finished is safe.
        """
        if cell.id not in self.cells:
            self._append(CELLS, cell, f"{len(self.completions)} completions are kept")
            self.cells.add(cell.id)

    def append_judgement(self, row: JudgementRow) -> None:
        """Keep what a judge that is a model said of one text.

        Raises:
            StoreError: the disk is full or the file cannot be written; what was judged before is safe.
        """
        self._append(JUDGEMENTS, row, f"{len(self.judgements)} judgements are kept")
        self.judgements[row.key] = row

    def append_calibration(self, row: CalibrationRow) -> None:
        """Keep a strength that was found.

        Raises:
            StoreError: the disk is full or the file cannot be written; what was found before is safe.
        """
        self._append(CALIBRATIONS, row, f"{len(self.calibrations)} calibrations are kept")
        self.calibrations[row.key] = row

    def _append(self, name: str, row: object, kept: str) -> None:
        target, line = self.path / name, json.dumps(unstructured(row), ensure_ascii=False)
        with _explained(target, kept):
            if name not in self._sinks:
                # unbuffered: closing a buffer that the disk refused would raise the same error again
                self._sinks[name] = target.open("ab", buffering=0)
            rest = memoryview(line.encode() + b"\n")
            while rest:
                rest = rest[self._sinks[name].write(rest) :]

    def write_text(self, name: str, text: str) -> None:
        """Replace a file in one step, so that a reader never sees half of it."""
        replace_text(self.path / name, text, "what was finished is kept")

    def write_json(self, name: str, value: object) -> None:
        """Replace a JSON file by an object of a class of results, in one step."""
        self.write_text(name, json.dumps(unstructured(value), indent=1, ensure_ascii=False) + "\n")

    def write_lines(self, name: str, rows: Iterable[object]) -> None:
        """Replace a file of one JSON object per line in one step."""
        lines = (json.dumps(unstructured(row), ensure_ascii=False) + "\n" for row in rows)
        self.write_text(name, "".join(lines))

    def write_tensors(self, name: str, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
        """Replace a safetensors file in one step."""
        from safetensors.torch import save

        target = self.path / name
        with _explained(target, "what was finished is kept"), replaced(target) as partial:
            partial.write_bytes(save(dict(tensors), metadata=dict(metadata)))

    def read_tensors(self, name: str) -> tuple[dict[str, Tensor], dict[str, str]]:
        """The tensors and metadata of a safetensors file; both empty where there is none.

        Raises:
            StoreError: the file is damaged.
        """
        from safetensors import SafetensorError, safe_open

        target = self.path / name
        if not target.is_file():
            return {}, {}
        try:
            with safe_open(target, framework="pt") as file:
                return {key: file.get_tensor(key) for key in file.keys()}, dict(file.metadata() or {})  # noqa: SIM118  # reason: not a dict
        except SafetensorError as error:
            raise StoreError(f"{target}: damaged ({error}): delete it to have it made again") from None

    def close(self) -> None:
        """Close the files that grow."""
        for sink in self._sinks.values():
            sink.close()
        self._sinks.clear()


def replace_text(target: Path, text: str, kept: str = "nothing was changed") -> None:
    """Replace any file in one step, so that a reader never sees half of it.

    Raises:
        StoreError: it cannot be written; `kept` says what is safe.
    """
    with _explained(target, kept), replaced(target) as partial:
        partial.write_text(text, encoding="utf-8")


@contextmanager
def open_run(path: Path, recipe_fingerprint: str, *, fresh: bool = False) -> Iterator[RunDirectory]:
    """Hold a run directory, new or to be continued.

    Args:
        path: the folder; it is made where it is missing.
        recipe_fingerprint: what the recipe says; a folder with another one's run is refused, unless that
            ended before it found anything.
        fresh: move the files of an earlier run, any recipe's, into a folder beside it, and start over.

    Raises:
        StoreError: the folder is another recipe's, is no run directory, cannot be written, or is in use.
    """
    with _explained(path, "nothing was run"):
        path.mkdir(parents=True, exist_ok=True)
    with _locked(path, "choose another folder with --out"):
        _check_is_run(path)
        if fresh:
            _set_aside(path)
        manifest = _earlier_manifest(path, recipe_fingerprint)
        with _held(path, manifest) as run:
            yield run


@contextmanager
def hold_run(path: Path) -> Iterator[RunDirectory]:
    """Hold the directory of a run that has ended, whatever its recipe, to judge its texts once more.

    Raises:
        StoreError: the folder is no run directory, has not ended, cannot be written, or is in use.
    """
    read_json(path, RESULTS)
    with _locked(path, "try again when it has ended"), _held(path, read_manifest(path)) as run:
        yield run


@contextmanager
def _locked(path: Path, remedy: str) -> Iterator[None]:
    """Keep other processes out of a run directory."""
    lock = FileLock(path / ".lock")
    with _explained(path, "nothing was run"):
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise StoreError(f"{path}: in use by another process; wait for it or {remedy}") from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _held(path: Path, manifest: Manifest | None) -> Iterator[RunDirectory]:
    """What a run directory holds, read, and closed at the end."""
    judgements = _whole_lines(path / JUDGEMENTS, JudgementRow, "to have the text judged again")
    calibrations = _whole_lines(path / CALIBRATIONS, CalibrationRow, "to have the strength searched again")
    run = RunDirectory(
        path,
        manifest,
        read_completions(path / COMPLETIONS),
        {row.key: row for row in judgements},
        {row.key: row for row in calibrations},
        {cell.id for cell in _whole_lines(path / CELLS, BegunCell, "to have it written again")},
    )
    try:
        yield run
    finally:
        run.close()


def _check_is_run(path: Path) -> None:
    """Refuse a folder with files and no manifest, which is the first that a run writes."""
    strangers = sorted(entry.name for entry in path.iterdir() if not entry.name.startswith("."))
    if strangers and MANIFEST not in strangers:
        raise StoreError(
            f"{path}: holds {strangers[0]!r} and no run; choose an empty or new folder with --out"
        )


def _has_found_nothing(path: Path) -> bool:
    """Whether a run ended before it kept anything, as where its model could not be had."""
    entries = (entry for entry in path.iterdir() if entry.name not in (MANIFEST, RECIPE, ".lock"))
    return not any(entry.is_dir() or entry.stat().st_size for entry in entries)


def _earlier_manifest(path: Path, recipe_fingerprint: str) -> Manifest | None:
    """The manifest of the run to resume, if any; another recipe's that found anything is refused."""
    if not (path / MANIFEST).exists():
        return None
    manifest = read_manifest(path)
    if manifest.recipe_fingerprint != recipe_fingerprint:
        if _has_found_nothing(path):
            return None
        raise StoreError(
            f"{path}: holds the run of another recipe (see its {RECIPE}): choose another folder with --out,"
            " or give --fresh to set that run aside and start over"
        )
    return manifest


def _set_aside(path: Path) -> None:
    """Move an earlier run into a folder beside its own; nothing is deleted."""
    # the manifest last: until then the folder is a run's, and the same command resumes this
    entries = sorted(path.iterdir(), key=lambda entry: entry.name == MANIFEST)
    entries = [entry for entry in entries if entry.name != ".lock"]
    if not entries:
        return
    with _explained(path, "the earlier run is kept"):
        number, whole = 1, path.absolute()
        while (aside := whole.with_name(f"{whole.name}.{number}")).exists():
            number += 1
        aside.mkdir()
        for entry in entries:
            entry.replace(aside / entry.name)


def read_completions(path: Path) -> dict[tuple[str, str], Completion]:
    """The finished rows, by cell and prompt id.

    Raises:
        StoreError: a line is damaged.
    """
    found: dict[tuple[str, str], Completion] = {}
    for row in _whole_lines(path, CompletionRow, "to have the row generated again"):
        prompt = Prompt(row.prompt_id, row.prompt, category=row.category, repeat=row.repeat)
        stop = cast("StopReason", row.stop)
        found[row.cell, prompt.id] = Completion(prompt, row.text, row.tokens, stop, row.error, row.score)
    return found


def _whole_lines(path: Path, cl: type[T], remedy: str) -> Iterator[T]:
    """The lines of a file; a last one that a killed process left unfinished is cut off.

    Raises:
        StoreError: a line is damaged.
    """
    if not path.exists():
        return
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        with _explained(path, "what was finished is kept"):
            os.truncate(path, whole)
    yield from parsed_lines(path, content, cl, remedy)


@contextmanager
def _explained(path: Path, kept: str) -> Iterator[None]:
    """Turn what the operating system refuses into one sentence that says what is safe."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"{unwritable(path, error)}; {kept}; put that right and give the same command"
            " again, or choose another folder with --out"
        ) from error
