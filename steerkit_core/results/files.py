"""The files of a run directory, read strictly: what a reader cannot use is one sentence with its remedy.

Nothing here imports torch, and nothing is written: a run may be looked at while another process works on
it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from steerkit_core.errors import StoreError, nearest
from steerkit_core.files.reading import unreadable
from steerkit_core.results.counts import contradiction
from steerkit_core.results.kinds import MANIFEST_FORM, RESULTS_FORM, ROW_FORMS, Form, misfit

SCHEMA_VERSION = 1
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
# what every reader of results.json may count on; what came in later is asked for with a default
REPORT_KEYS = ("run", "cells", "selections", "selected", "notes")
CELL_KEYS = (
    *("id", "model", "quantization", "role", "prompts", "classifier", "options", "layer", "depth"),
    *("multiplier", "n", "failed", "prompts_total", "errors", "counts", "rates", "selected"),
)
REMEDY = "the command of the run writes it anew from the completions"
# what to do about a file that is no JSON any more
DAMAGED = {
    "results.json": REMEDY,
    "manifest.json": "take it from where the run was made, or run its recipe into another folder",
}
RATE_KEYS = ("k", "n", "rate", "low", "high")
# lists whose entries are of cells, and the columns that say of which; a setting that failed has none
CELL_REFERENCES = {"selections": ("cell",), "comparisons": ("cell", "reference"), "controls": ("cell",)}
# what every reader counts on in the entries of these lists
ENTRY_KEYS = {
    **CELL_REFERENCES,
    "quantization": (
        *("model", "quantization", "dtype", "extractor", "extraction", "reference", "position"),
        *("layers", "cosines"),
    ),
    "transfers": (
        *(
            "source",
            "target",
            "quantization",
            "map",
            "run",
            "differs",
            "source_layer",
            "layer",
            "own_layer",
        ),
        *("multiplier", "transferred", "own", "efficiency", "cosine"),
    ),
    "health": ("norm_mean",),
}
# columns by layer of one entry, of which each has as many values as the first
BY_LAYER = {
    "health": ("norm_mean", "norm_max", "overflow", "nonfinite"),
    "quantization": ("layers", "cosines", "raw_norms", "reference_raw_norms"),
}
MANIFEST_KEYS = ("recipe_fingerprint", "started", "settings", "models")
MANIFEST_REMEDY = "a run of the same recipe writes it anew"
COMPLETION_KEYS = ("cell", "prompt_id", "prompt", "text", "tokens", "stop", "error")
VERDICT_KEYS = ("cell", "prompt_id", "label", "rule", "evidence")


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
        StoreError: it says of itself that its form is another than this version knows.
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


def read_manifest(path: Path) -> dict[str, Any]:
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
    manifest = read_json(path, MANIFEST)
    check_version(manifest, path / MANIFEST)
    _require(manifest, MANIFEST_KEYS, path / MANIFEST, "", MANIFEST_REMEDY)
    _check_form(manifest, MANIFEST_FORM, path / MANIFEST, MANIFEST_REMEDY)
    for number, model in enumerate(manifest["models"]):
        _require(model, ("id",), path / MANIFEST, f"models[{number}].", MANIFEST_REMEDY)
    return dict(manifest)


def read_report(path: Path) -> dict[str, Any]:
    """What `results.json` holds, with all that its readers count on.

    Raises:
        StoreError: there is none, it is damaged, lacks a key, has a value of another kind, contradicts
            itself or is of a newer steerkit.
    """
    target = path / RESULTS
    report = read_json(path, RESULTS)
    check_version(report, target)
    remedy = REMEDY
    _require(report, REPORT_KEYS, target, "", remedy)
    _check_form(report, RESULTS_FORM, target, remedy)
    _require(report["run"], ("name",), target, "run.", remedy)
    for number, cell in enumerate(report["cells"]):
        where = f"cells[{number}]."
        _require(cell, CELL_KEYS, target, where, remedy)
        for label, rate in cell["rates"].items():
            _require(rate, RATE_KEYS, target, f"{where}rates.{label}.", remedy)
        if (wrong := contradiction(cell)) is not None:
            raise StoreError(f"{target}: {where}{wrong}: edited by hand; {remedy}")
    _check_references(report, target)
    _check_lengths(report, target)
    return dict(report)


def _check_form(table: Any, form: Form, target: Path, remedy: str) -> None:
    if (found := misfit(table, form)) is not None:
        raise StoreError(
            f"{target}: {found.where}: expected {found.expected}, got {found.found!r:.60}: edited by hand;"
            f" {remedy}"
        )


def _check_references(report: Mapping[str, Any], target: Path) -> None:
    """Refuse results that name a cell twice, or one that is not there."""
    ids = [cell["id"] for cell in report["cells"]]
    known = set(ids)
    twice = next((name for name in ids if ids.count(name) > 1), None) if len(known) < len(ids) else None
    if twice is not None:
        raise StoreError(f"{target}: cell {twice!r} stands there twice: edited by hand; {REMEDY}")
    if report["selected"] is not None and report["selected"] not in known:
        raise _unknown_cell(target, "selected", report["selected"], ids)
    require_entries(report, ENTRY_KEYS, target)
    for name, keys in CELL_REFERENCES.items():
        for number, entry in enumerate(report.get(name, ())):
            for key in keys:
                if entry[key] is not None and entry[key] not in known:
                    raise _unknown_cell(target, f"{name}[{number}].{key}", entry[key], ids)
            # a run of an earlier version does not say what was tried
            for tried in entry.get("tried", ()) if name == "selections" else ():
                if tried not in known:
                    raise _unknown_cell(target, f"{name}[{number}].tried", tried, ids)


def _check_lengths(report: Mapping[str, Any], target: Path) -> None:
    """Refuse results in which a column by layer is empty, or longer than another."""
    for name, keys in BY_LAYER.items():
        for number, entry in enumerate(report.get(name, ())):
            # a run of an earlier version has fewer columns
            sizes = {key: len(entry[key]) for key in keys if key in entry}
            if len(set(sizes.values())) > 1 or 0 in sizes.values():
                found = ", ".join(f"{size} in {key}" for key, size in sizes.items())
                raise StoreError(
                    f"{target}: {name}[{number}]: expected a value for each layer, got {found}: edited by"
                    f" hand; {REMEDY}"
                )


def _unknown_cell(target: Path, where: str, name: str, ids: Sequence[str]) -> StoreError:
    return StoreError(
        f"{target}: {where}: expected one of the cells, got {name!r}{nearest(name, ids)}: edited by hand;"
        f" {REMEDY}"
    )


def require_entries(report: Mapping[str, Any], keys: Mapping[str, Sequence[str]], target: Path) -> None:
    """Refuse results in whose lists an entry lacks a key that a reader needs.

    Args:
        report: what `results.json` holds.
        keys: by the name of the list; one that is not there, as in an earlier version, is no problem.
        target: the file.

    Raises:
        StoreError: a key is missing.
    """
    for name, wanted in keys.items():
        for number, entry in enumerate(report.get(name, ())):
            _require(entry, wanted, target, f"{name}[{number}].", REMEDY)


def read_rows(path: Path, name: str, columns: Sequence[str], remedy: str) -> list[dict[str, Any]]:
    """The lines of a file that grows, each with these columns; a last one that is cut off is left out.

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
    return [row for _, row in parsed_lines(target, content, columns, remedy)]


def parsed_lines(
    target: Path, content: bytes, columns: Sequence[str], remedy: str
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Numbers and values of the whole lines of a file.

    Raises:
        StoreError: a line is no JSON, or lacks a column.
    """
    # bytes end lines at line feeds alone; a text may hold other characters that str counts as ends
    for number, line in enumerate(content[: content.rfind(b"\n") + 1].splitlines(), start=1):
        try:
            row = json.loads(line)
            for column in columns:
                row[column]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            found = f"{type(error).__name__}: {error}"
            raise StoreError(f"{target}:{number}: damaged ({found}); delete that line {remedy}") from None
        wrong = misfit(row, ROW_FORMS.get(target.name, {})) if isinstance(row, dict) else None
        if wrong is not None:
            raise StoreError(
                f"{target}:{number}: {wrong.where}: expected {wrong.expected}, got {wrong.found!r:.60}:"
                f" edited by hand; delete that line {remedy}"
            )
        yield number, row


def count_lines(target: Path) -> int:
    """How many whole lines a file has; none where there is no file."""
    return target.read_bytes().count(b"\n") if target.exists() else 0


def _require(table: Any, keys: Sequence[str], target: Path, where: str, remedy: str) -> None:
    if not isinstance(table, dict):
        place = where.rstrip(".")
        raise StoreError(
            f"{target}: {place}: expected a table, got {table!r:.60}: edited by hand; {remedy}"
        )
    missing = next((key for key in keys if key not in table), None)
    if missing is not None:
        raise StoreError(f"{target}: {where}{missing} is missing: edited by hand; {remedy}")


def _nearest_run(path: Path) -> str:
    """The run of a similar name in the same place, or below `runs/`."""
    for parent in (path.parent, Path("runs")):
        if parent.is_dir():
            names = [one.name for one in parent.iterdir() if (one / MANIFEST).exists()]
            if found := nearest(path.name, names):
                return found
    return ""
