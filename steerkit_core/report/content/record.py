"""A finished run, as its page is made of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from attrs import field, frozen

from steerkit_core.report.content.maps import VARYING
from steerkit_core.results.cells import CellResult
from steerkit_core.results.rows import JudgedRow
from steerkit_core.results.run import KeptRun, judged_cells, read_run

ALIKE = ("model", "quantization", "dtype", "prompts", "classifier")


@frozen(eq=False, slots=False)
class RunRecord(KeptRun):
    """What the files of a run hold.

    `judged` are the completions of each cell with their verdicts, in the order of its prompts. `share` is
    the part of a page that this run may fill, 1 where it has the page for itself, and `prefix` stands
    before its anchors where it has not.
    """

    judged: Mapping[str, Sequence[JudgedRow]] = field(factory=dict)
    share: float = 1.0
    prefix: str = ""

    def rows(self, cell: str | None = None) -> list[JudgedRow]:
        """The completions of a cell, or of all cells, each with its verdict."""
        asked = self.results.cells if cell is None else [self.cell(cell)]
        return [row for entry in asked for row in self.judged.get(entry.id, ())]

    @property
    def cells(self) -> Mapping[str, CellResult]:
        """All cells by their ids."""
        return self.results.by_id

    @property
    def name(self) -> str:
        """The run's own name."""
        return self.results.run.name

    @property
    def chosen(self) -> CellResult | None:
        """The run's selected cell."""
        return self.results.chosen

    @cached_property
    def varying(self) -> tuple[str, ...]:
        """The columns in which the steered cells are not all alike."""
        steered = [cell for cell in self.results.cells if cell.role != "baseline"]
        return tuple(key for key in VARYING if len({getattr(cell, key) for cell in steered}) > 1)

    def limit(self, most: int) -> int:
        """How many of something may be shown, where a page of one run shows `most`."""
        return max(1, int(most * self.share))

    def baseline(self, cell: CellResult) -> CellResult | None:
        """The baseline that a cell is to be compared with: same model, prompts, judge and generation."""
        return self._baselines.get(_alike(cell))

    @cached_property
    def _baselines(self) -> Mapping[str, CellResult]:
        return {_alike(cell): cell for cell in self.results.cells if cell.role == "baseline"}


def read_record(folder: Path) -> RunRecord:
    """Read the files of a run that has ended.

    Raises:
        StoreError: it has not ended, or a file is missing, damaged, edited by hand or of a newer steerkit.
    """
    kept = read_run(folder)
    return RunRecord(kept.folder, kept.manifest, kept.results, judged_cells(kept))


def _alike(cell: CellResult) -> str:
    options = [cell.options.get(name) for name in ("classifier", "generation")]
    return json.dumps([*(getattr(cell, name) for name in ALIKE), *options], sort_keys=True)
