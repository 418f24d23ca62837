"""A run directory as its readers get it: checked once, in one place, whoever asks."""

from __future__ import annotations

import shlex
import tomllib
from collections.abc import Sequence, Set
from pathlib import Path

from attrs import frozen

from steerkit_core.errors import StoreError, nearest
from steerkit_core.files.fingerprints import document_fingerprint
from steerkit_core.files.reading import unreadable
from steerkit_core.results.cells import CellResult
from steerkit_core.results.files import (
    COMPLETIONS,
    MANIFEST,
    RECIPE,
    RESULTS,
    VERDICTS,
    count_lines,
    read_manifest,
    read_results,
    read_rows,
)
from steerkit_core.results.manifest import Manifest
from steerkit_core.results.results import RunResults
from steerkit_core.results.rows import CompletionRow, JudgedRow, VerdictRow

REMEDY = "edited by hand; the command of the run makes what is missing"
# what earlier versions wrote instead of the table `[transfer]`, as a recipe's first line
EARLIER_TRANSFER = "# steerkit transfer --models "


@frozen(eq=False)
class KeptRun:
    """A run that has ended: its folder, its manifest and what `results.json` holds."""

    folder: Path
    manifest: Manifest
    results: RunResults

    def cell(self, name: str) -> CellResult:
        """The entry of the one cell whose id begins so.

        Raises:
            StoreError: there is none, or more than one.
        """
        return self.results.by_id[one_cell(self.folder, list(self.results.by_id), name)]

    def rows(self, cell: str | None = None) -> list[JudgedRow]:
        """The completions of a cell, or of all cells, each with its verdict.

        Raises:
            StoreError: a file of the run is missing or damaged, or does not fit the results.
        """
        if cell is not None:
            entry = self.cell(cell)
            return rows_of(self.folder, entry.id, expected=entry)
        found = judged_cells(self)
        return [row for entry in self.results.cells for row in found.get(entry.id, ())]


def read_run(folder: Path) -> KeptRun:
    """A run that has ended, checked.

    Raises:
        StoreError: it has not ended, lacks a file, was edited by hand, or is of a newer steerkit.
    """
    manifest = read_manifest(folder)
    if not (folder / RESULTS).exists():
        raise StoreError(
            f"{folder}: unfinished, {progress_words(folder, manifest)}: look at it with `steerkit show"
            f" {shlex.quote(str(folder))}`, and finish it with `{command_of(folder, manifest)}`"
        )
    results = read_results(folder)
    check_recipe(folder, manifest, results)
    return KeptRun(folder, manifest, results)


def one_cell(folder: Path, ids: Sequence[str], name: str, *, when: str = "") -> str:
    """The one id that begins with `name`; `when` says of which cells, where a run has not all.

    Raises:
        StoreError: there is none, or more than one.
    """
    found = [own for own in ids if name and own.startswith(name)]
    if len(found) != 1:
        raise StoreError(
            f"{folder}: {'no' if not found else 'more than one'} cell {name!r}{when}{nearest(name, ids)}"
            f" (cells: {', '.join(ids) or 'none'})"
        )
    return found[0]


def rows_of(folder: Path, cell: str, *, expected: CellResult | None = None) -> list[JudgedRow]:
    """The completions of a cell with their verdicts; `expected` is its entry of the results.

    Raises:
        StoreError: a file is missing or damaged, or has not the rows that it should.
    """
    own = rows_by_cell(folder, {cell}).get(cell, [])
    if expected is not None:
        _check_number(folder, expected, own)
    return own


def judged_cells(run: KeptRun) -> dict[str, list[JudgedRow]]:
    """The same of all cells, by their ids.

    Raises:
        StoreError: a file is missing or damaged, or has not the rows that it should.
    """
    found = rows_by_cell(run.folder, set(run.results.by_id))
    for cell in run.results.cells:
        _check_number(run.folder, cell, found.get(cell.id, ()))
    return found


def rows_by_cell(folder: Path, cells: Set[str]) -> dict[str, list[JudgedRow]]:
    """The completions of some cells with their verdicts, in the order of the verdicts.

    Raises:
        StoreError: a file is missing or damaged, or a verdict has no text.
    """
    verdicts = read_rows(folder, VERDICTS, VerdictRow, "and give the command of the run again")
    rows = read_rows(folder, COMPLETIONS, CompletionRow, "to have the row generated again")
    # of a row that stands there twice the last one counts, as it does for the run
    texts = {(row.cell, row.prompt_id): row for row in rows if row.cell in cells}
    judged = {(row.cell, row.prompt_id): row for row in verdicts if row.cell in cells}
    found: dict[str, list[JudgedRow]] = {}
    for (cell, prompt), verdict in judged.items():
        text = texts.get((cell, prompt))
        if text is None:
            raise StoreError(
                f"{folder / COMPLETIONS}: no completion of cell {cell} for prompt {prompt!r}, which"
                f" {VERDICTS} has: {REMEDY}"
            )
        found.setdefault(cell, []).append(JudgedRow.joined(text, verdict))
    return found


def _check_number(folder: Path, cell: CellResult, rows: Sequence[JudgedRow]) -> None:
    if (size := cell.rows) != len(rows):
        raise StoreError(
            f"{folder / VERDICTS}: {len(rows)} rows of cell {cell.id}, expected the {size} that"
            f" {RESULTS} counts: {REMEDY}"
        )
    labels = [row.label for row in rows]
    # what is no label of the cell's judge is told by the same sum: one that is counted is then one short
    wrong = next((name for name, count in cell.counts.items() if labels.count(name) != count), None)
    if wrong is not None:
        raise StoreError(
            f"{folder / VERDICTS}: {labels.count(wrong)} rows of cell {cell.id} are {wrong!r}, expected"
            f" the {cell.counts[wrong]} that {RESULTS} counts: {REMEDY}"
        )


def check_recipe(folder: Path, manifest: Manifest, results: RunResults | None) -> None:
    """Refuse results that are not those of the recipe beside them.

    Raises:
        StoreError: the recipe is missing, no TOML or another, or the results are another run's.
    """
    target, wanted = folder / RECIPE, manifest.recipe_fingerprint
    own = None if results is None else results.run.recipe_fingerprint
    if own is not None and own != wanted:
        raise StoreError(
            f"{folder / RESULTS}: of another recipe than {MANIFEST} says: one of the two was copied here;"
            " take both from one run"
        )
    try:
        document = kept_document(target)
    except FileNotFoundError:
        raise StoreError(
            f"{folder}: no {RECIPE} here: the run is incomplete; its command writes it again"
        ) from None
    except OSError as error:
        raise StoreError(unreadable(target, error)) from None
    except ValueError as error:
        raise StoreError(
            f"{target}: cannot be read: {error}: edited by hand; undo the change, or delete the file: the"
            " command of the run writes it again"
        ) from None
    if document_fingerprint(document) != wanted:
        raise StoreError(
            f"{target}: not the recipe that this run was made with, so that its cells are not those of the"
            " results: undo the change, or run it into a folder of its own with `steerkit run"
            f" {shlex.quote(str(target))} --out DIR`"
        )


def kept_document(path: Path) -> dict[str, object]:
    """What a run's recipe says, in the form that is written today.

    Raises:
        OSError, ValueError: it cannot be read, or is no TOML.
    """
    text = path.read_text(encoding="utf-8")
    document: dict[str, object] = tomllib.loads(text)
    line = text.partition("\n")[0]
    if line.startswith(EARLIER_TRANSFER):
        models, _, way = line.removeprefix(EARLIER_TRANSFER).partition(" --map ")
        document["transfer"] = {"models": models.split(","), "map": way or "none"}
    return document


def progress_words(folder: Path, manifest: Manifest) -> str:
    """How far an unfinished run is."""
    done, planned = count_lines(folder / COMPLETIONS), manifest.planned
    return f"{done} completions" if planned is None else f"{done} of at most {planned} completions"


def command_of(folder: Path, manifest: Manifest, *, out: Path | None = None) -> str:
    """The command line that resumes a run, or repeats it in the folder `out`."""
    source, where = _recipe_word(manifest), ["--out", str(out or folder)]
    changes = [word for change in manifest.changes for word in ("--set", change)]
    kept = folder / RECIPE
    if asked := _transfer_options(kept):
        return shlex.join(["steerkit", "transfer", source, *asked, *changes, *where])
    if source and (source == manifest.shipped or Path(source).is_file()):
        return shlex.join(["steerkit", "run", source, *changes, *where])
    # the recipe that the run keeps has all changes in it
    return shlex.join(["steerkit", "run", str(kept), *where])


def _transfer_options(recipe: Path) -> list[str]:
    """The options of `steerkit transfer` that a kept recipe was made with; none for another command's."""
    try:
        table = kept_document(recipe).get("transfer")
    except (OSError, ValueError):
        return []
    if not isinstance(table, dict):
        return []
    way = table.get("map", "none")
    return ["--models", ",".join(table.get("models", ())), *([] if way == "none" else ["--map", way])]


def _recipe_word(manifest: Manifest) -> str:
    """What was given as RECIPE: a file, or the name of a shipped one that no file here hides."""
    shipped = manifest.shipped
    return str(manifest.recipe if shipped is None or Path(shipped).is_file() else shipped)
