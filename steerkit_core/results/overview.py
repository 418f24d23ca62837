"""The runs below a folder at a glance: what each is, how far it is, and what came out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from attrs import evolve, frozen

from steerkit_core.components.model_spec import model_label
from steerkit_core.errors import StoreError
from steerkit_core.results.cells import CellRate
from steerkit_core.results.files import COMPLETIONS, MANIFEST, RESULTS, read_manifest
from steerkit_core.results.manifest import Manifest, ModelWanted
from steerkit_core.results.run import progress_words, read_run

State = Literal["done", "unfinished", "broken"]
LABEL = "refusal"


@frozen
class RunRow:
    """One run directory. `detail` says how far an unfinished run is, or why a broken one cannot be read.

    `rate` is the selected cell's rate of refusals, as `results.json` has it, and `selected_on_evaluation`
    whether the cell was chosen on the prompts that it is measured on; `when` the time of its end, of an
    unfinished run that of its last start, in ISO form.
    """

    folder: str
    name: str
    state: State
    detail: str = ""
    model: str = ""
    extractor: str = ""
    selector: str = ""
    cell: str | None = None
    layer: int | None = None
    multiplier: float | None = None
    rate: CellRate | None = None
    selected_on_evaluation: bool | None = None
    when: str | None = None


def runs_below(folder: Path) -> list[RunRow]:
    """The runs in a folder and its subfolders, the newest first; those without a time come last.

    Raises:
        StoreError: there is no such folder.
    """
    if not folder.is_dir():
        raise StoreError(f"{folder}: no such folder")
    rows = [run_row(path) for path in _run_folders(folder)]
    rows.sort(key=lambda row: row.folder)
    return sorted(rows, key=lambda row: row.when or "", reverse=True)


def run_row(folder: Path) -> RunRow:
    """What a run directory is, whatever its state; one that cannot be read says why."""
    try:
        manifest = read_manifest(folder)
    except StoreError as error:
        return RunRow(str(folder), folder.name, "broken", _reason(error, folder))
    row = _row(folder, manifest)
    if not (folder / RESULTS).exists():
        return evolve(row, state="unfinished", detail=progress_words(folder, manifest))
    try:
        results = read_run(folder).results
    except StoreError as error:
        return evolve(row, state="broken", detail=_reason(error, folder))
    selected = results.chosen
    if selected is None:
        return evolve(row, detail="no cell was selected")
    return evolve(
        row,
        cell=selected.id,
        layer=selected.layer,
        multiplier=selected.multiplier,
        rate=selected.rates.get(LABEL),
        selected_on_evaluation=results.selected_on_evaluation,
    )


def _row(folder: Path, manifest: Manifest) -> RunRow:
    """The columns that a manifest has, of a run that is done."""
    settings = manifest.settings
    return RunRow(
        str(folder),
        manifest.name,
        "done",
        model=_all([_quantized(setting.model) for setting in settings]),
        extractor=_all([setting.extractor.use for setting in settings]),
        selector=_all([setting.selector.use for setting in settings]),
        when=manifest.finished or [manifest.started, *manifest.resumed][-1],
    )


def _quantized(model: ModelWanted) -> str:
    return model_label(model.id, model.quantization)


def _all(names: list[str]) -> str:
    return ", ".join(dict.fromkeys(name for name in names if name))


def _reason(error: StoreError, folder: Path) -> str:
    """The message without the folder, which stands beside it."""
    return str(error).removeprefix(f"{folder}: ").removeprefix(f"{folder}{os.sep}")


def _run_folders(folder: Path) -> Iterator[Path]:
    """The run directories below a folder; nothing is looked for inside of one."""
    for path, folders, files in os.walk(folder):
        if {MANIFEST, RESULTS, COMPLETIONS} & set(files):
            folders.clear()
            yield Path(path)
        else:
            folders[:] = sorted(name for name in folders if not name.startswith("."))
