"""The files of a run directory, read strictly: what a reader cannot use is one sentence with its remedy.

Nothing here imports torch, and nothing is written: a run may be looked at while another process works on
it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from steerkit_core.errors import StoreError, nearest
from steerkit_core.files.reading import unreadable
from steerkit_core.results.checks import contradiction
from steerkit_core.results.converter import Misfit, structured
from steerkit_core.results.manifest import Manifest
from steerkit_core.results.results import SCHEMA_VERSION, RunResults

T = TypeVar("T")

RECIPE, MANIFEST, COMPLETIONS = "recipe.toml", "manifest.json", "completions.jsonl"
CELLS, JUDGEMENTS, CALIBRATIONS, LABELS = (
    "cells.jsonl",
    "judgements.jsonl",
    "calibrations.jsonl",
    "labels.csv",
)
VERDICTS, DIRECTIONS, RESULTS, REPORT = (
    "verdicts.jsonl",
    "directions.safetensors",
    "results.json",
    "report.html",
)
REMEDY = "the command of the run writes it anew from the completions"
# what to do about a file that is no JSON any more
DAMAGED = {
    "results.json": REMEDY,
    "manifest.json": "take it from where the run was made, or run its recipe into another folder",
}
MANIFEST_REMEDY = "a run of the same recipe writes it anew"


def read_json(path: Path, name: str) -> Any:
    """A JSON file of a run directory.

    Raises:
        StoreError: it is missing or damaged.
    """
    target = path / name
    try:
        return json.loads(target.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StoreError(
            f"{path}: no {name} here: not a run directory, or a run that has not ended"
        ) from None
    except (ValueError, RecursionError) as error:
        remedy = f": damaged or edited by hand; {DAMAGED[name]}" if name in DAMAGED else ""
        raise StoreError(f"{target}: cannot be read: {error}{remedy}") from None
    except OSError as error:
        raise StoreError(unreadable(target, error)) from None


def check_version(table: Any, target: Path) -> None:
    """Refuse a file that a newer steerkit wrote, or that is no table.

    Raises:
        StoreError: its schema is newer than this version reads.
    """
    if not isinstance(table, dict):
        remedy = f"; {DAMAGED[target.name]}" if target.name in DAMAGED else ""
        kind = type(table).__name__
        raise StoreError(f"{target}: expected a table, got a {kind}: edited by hand{remedy}")
    version = table.get("schema_version", SCHEMA_VERSION)
    if not isinstance(version, int) or isinstance(version, bool):
        raise StoreError(f"{target}: schema_version: expected a whole number, got {version!r}")
    if version < 1:
        raise StoreError(f"{target}: schema_version: expected a whole number from 1 on, got {version}")
    if version > SCHEMA_VERSION:
        by = f" by steerkit {table['steerkit']}" if table.get("steerkit") else ""
        raise StoreError(
            f"{target}: written{by} with schema {version}, and this steerkit reads up to {SCHEMA_VERSION}:"
            " upgrade steerkit-core to read this run"
        )


def read_manifest(path: Path) -> Manifest:
    """The manifest of a run, ended or not.

    Raises:
        StoreError: there is none, it is damaged, lacks a key or is of a newer steerkit.
    """
    if not path.is_dir():
        raise StoreError(f"{path}: no such run directory{_nearest_run(path)}")
    if not (path / MANIFEST).exists():
        if (path / RESULTS).exists():
            raise StoreError(
                f"{path}: no {MANIFEST} here: the run is incomplete; take it from where the run was made,"
                " or run its recipe into another folder"
            )
        raise StoreError(f"{path}: no {MANIFEST} here: not a run directory")
    return _read(path, MANIFEST, Manifest, MANIFEST_REMEDY)


def read_results(path: Path) -> RunResults:
    """What `results.json` holds.

    Raises:
        StoreError: there is none, it is damaged, lacks a key, has a value of another kind, contradicts
            itself or is of a newer steerkit.
    """
    found = _read(path, RESULTS, RunResults, REMEDY)
    if (wrong := contradiction(found)) is not None:
        raise StoreError(f"{path / RESULTS}: {wrong}: edited by hand; {REMEDY}")
    return found


def _read(path: Path, name: str, cl: type[T], remedy: str) -> T:
    table = read_json(path, name)
    check_version(table, path / name)
    try:
        return structured(table, cl)
    except Misfit as error:
        raise StoreError(f"{path / name}: {error}: edited by hand; {remedy}") from None


def read_rows(path: Path, name: str, cl: type[T], remedy: str) -> list[T]:
    """The lines of a file that grows; a last one that is cut off is left out.

    Raises:
        StoreError: there is no such file, or a line is damaged; `remedy` is what deleting it leads to.
    """
    target = path / name
    try:
        content = target.read_bytes()
    except FileNotFoundError:
        raise StoreError(
            f"{path}: no {name} here: the run is incomplete; its command makes what is missing"
        ) from None
    except OSError as error:
        raise StoreError(unreadable(target, error)) from None
    return list(parsed_lines(target, content, cl, remedy))


def parsed_lines(target: Path, content: bytes, cl: type[T], remedy: str) -> Iterator[T]:
    """The whole lines of a file.

    Raises:
        StoreError: a line is no JSON, lacks a column or has a value of another kind.
    """
    # bytes end lines at line feeds alone; a text may hold other characters that str counts as ends
    for number, line in enumerate(content[: content.rfind(b"\n") + 1].splitlines(), start=1):
        try:
            yield structured(json.loads(line), cl)
        except Misfit as error:
            raise StoreError(
                f"{target}:{number}: {error}: damaged or edited by hand; delete that line {remedy}"
            ) from None
        except (ValueError, RecursionError) as error:
            found = f"{type(error).__name__}: {error}"
            raise StoreError(f"{target}:{number}: damaged ({found}); delete that line {remedy}") from None


def count_lines(target: Path) -> int:
    """How many whole lines a file has; none where there is no file."""
    return target.read_bytes().count(b"\n") if target.exists() else 0


def _nearest_run(path: Path) -> str:
    """The run of a similar name in the same place, or below `runs/`."""
    for parent in (path.parent, Path("runs")):
        if parent.is_dir():
            names = [one.name for one in parent.iterdir() if (one / MANIFEST).exists()]
            if found := nearest(path.name, names):
                return found
    return ""
