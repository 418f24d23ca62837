"""A finished run, as its page is made of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from attrs import field, frozen

from steerkit_core.errors import StoreError
from steerkit_core.report.maps import VARYING
from steerkit_core.store import COMPLETIONS, MANIFEST, RESULTS, VERDICTS, read_json

ALIKE = ("model", "quantization", "dtype", "prompts", "classifier")

Entry = Mapping[str, Any]


@frozen(eq=False, slots=False)
class RunRecord:
    """What the files of a run hold.

    `rows` are the completions of each cell with their verdicts, in the order of its prompts. `share` is
    the part of a page that this run may fill, 1 where it has the page for itself, and `prefix` stands
    before its anchors where it has not.
    """

    folder: Path
    report: Entry
    manifest: Entry
    rows: Mapping[str, Sequence[Entry]] = field(factory=dict)
    share: float = 1.0
    prefix: str = ""

    @cached_property
    def cells(self) -> Mapping[str, Entry]:
        """The entries of all cells by their ids."""
        return {cell["id"]: cell for cell in self.report["cells"]}

    @property
    def name(self) -> str:
        """The run's own name."""
        return str(self.report["run"]["name"])

    @property
    def chosen(self) -> Entry | None:
        """The entry of the run's selected cell."""
        return self.cells.get(self.report["selected"])

    @cached_property
    def varying(self) -> tuple[str, ...]:
        """The columns in which the steered cells are not all alike."""
        steered = [cell for cell in self.report["cells"] if cell["role"] != "baseline"]
        return tuple(key for key in VARYING if len({cell.get(key) for cell in steered}) > 1)

    def limit(self, most: int) -> int:
        """How many of something may be shown, where a page of one run shows `most`."""
        return max(1, int(most * self.share))

    def unsteered(self, cell: Entry) -> Entry | None:
        """The baseline that a cell is to be compared with: same model, prompts, judge and generation."""
        return self._baselines.get(_alike(cell))

    @cached_property
    def _baselines(self) -> Mapping[str, Entry]:
        return {_alike(cell): cell for cell in self.report["cells"] if cell["role"] == "baseline"}


def read_record(folder: Path) -> RunRecord:
    """Read the files of a run that has ended.

    Raises:
        StoreError: a file is missing or damaged.
    """
    report, manifest = read_json(folder, RESULTS), read_json(folder, MANIFEST)
    return RunRecord(folder, report, manifest, judged(folder))


def judged(folder: Path) -> dict[str, list[Entry]]:
    """All completions of a run with their verdicts, by cell.

    Raises:
        StoreError: a file is missing or damaged, or a verdict has no text.
    """
    # of a row that stands there twice the last one counts, as it does for the run
    texts = {(row["cell"], row["prompt_id"]): row for row in _lines(folder / COMPLETIONS)}
    found: dict[str, list[Entry]] = {}
    for row in _lines(folder / VERDICTS):
        text = texts.get((row["cell"], row["prompt_id"]))
        if text is None:
            raise StoreError(
                f"{folder / VERDICTS}: judges prompt {row['prompt_id']!r} of cell {row['cell']}, which"
                f" {COMPLETIONS} does not hold; give the run's command again to have it made anew"
            )
        found.setdefault(row["cell"], []).append({**text, **row})
    return found


def _alike(cell: Entry) -> str:
    options = [cell["options"].get(name) for name in ("classifier", "generation")]
    return json.dumps([*(cell.get(name) for name in ALIKE), *options], sort_keys=True)


def _lines(path: Path) -> Iterable[Any]:
    try:
        # bytes end lines at line feeds alone; a text may hold other characters that str counts as ends
        rows = [json.loads(line) for line in path.read_bytes().splitlines()]
    except (OSError, ValueError) as error:
        raise StoreError(f"{path}: cannot be read: {error}") from None
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict) or not {"cell", "prompt_id"} <= row.keys():
            raise StoreError(f"{path}:{number}: expected an object with 'cell' and 'prompt_id'")
    return rows
