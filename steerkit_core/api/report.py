"""What a run came to, as a value to look at and to compute with."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from steerkit_core.cli.runs import finished_run
from steerkit_core.display import html_table
from steerkit_core.errors import SteerkitError, StoreError, nearest
from steerkit_core.export.tables import Table, run_table
from steerkit_core.extraction.extraction import kept_extraction, measured
from steerkit_core.report.content.evidence import marked
from steerkit_core.report.content.percent import interval
from steerkit_core.results.cells import CellResult
from steerkit_core.results.files import DIRECTIONS
from steerkit_core.results.results import RunResults
from steerkit_core.results.rows import JudgedRow
from steerkit_core.results.run import KeptRun
from steerkit_core.results.run_directory import RunDirectory
from steerkit_core.values import prompt_part

if TYPE_CHECKING:
    import pandas as pd

    from steerkit_core.values import DirectionSet

PLACE = ("layer", "multiplier")
MARK = "\u2020"
TOLD = f"{MARK} chosen on the prompts that its rate is measured on"
TABLES = (
    "cells",
    "completions",
    "selections",
    "windows",
    "comparisons",
    "controls",
    "trends",
    "quantization",
    "transfers",
    "excluded",
    "health",
)
PANDAS = "a DataFrame needs pandas, which is not installed: pip install 'steerkit-core[notebook]'"


@frozen(eq=False, repr=False)
class Report:
    """A run that has ended."""

    _kept: KeptRun

    @property
    def path(self) -> Path:
        """Its folder."""
        return self._kept.folder

    @property
    def results(self) -> RunResults:
        """What `results.json` holds."""
        return self._kept.results

    @property
    def cells(self) -> tuple[CellResult, ...]:
        """Every cell: its counts, rates with intervals, and strength."""
        return self.results.cells

    @property
    def selected(self) -> CellResult | None:
        """The chosen cell, the best one of a grid; None where every configuration failed."""
        return self.results.chosen

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the rates has to know."""
        return self.results.notes

    def completions(self, cell: str | None = None) -> list[JudgedRow]:
        """What the model wrote, each with its verdict: in one cell, by the beginning of its id, or in all.

        Raises:
            StoreError: there is no such cell, or a file of the run is missing or damaged.
        """
        return self._kept.rows(cell)

    def directions(self, cell: str | None = None) -> DirectionSet:
        """The directions that a cell was steered with, by default the chosen one, at all layers.

        Raises:
            StoreError: there is no such cell, it was not steered, or the run does not keep its directions.
        """
        entry = self.selected if cell is None else self._kept.cell(cell)
        key = None if entry is None else entry.extraction
        which = "the chosen cell" if cell is None else cell
        if key is None:
            raise StoreError(f"{self.path}: no directions of {which}, which was not steered")
        tokens = None if entry is None else entry.options.get("site", {}).get("tokens")
        found = kept_extraction(RunDirectory(self.path), key)
        if found is None:
            raise StoreError(f"{self.path}: {DIRECTIONS} does not hold the directions {key} of {which}")
        return measured(found.directions, found.stream, prompt_part(tokens))

    def to_dataframe(self, table: str = "cells") -> pd.DataFrame:
        """One of the run's tables, by default one row for every cell, as a pandas DataFrame.

        Nested fields become columns such as `rates.refusal.rate` and lists become JSON, as in the tables of
        `steerkit export`. Whole numbers and truths stay what they are in a column that has gaps, as `layer`
        has for baselines: its type is then `Int64` or `boolean`, and a gap `pd.NA`. It needs the extra
        `steerkit-core[notebook]`.

        Args:
            table: `cells`, `completions`, or another list of `results.json`.

        Raises:
            SteerkitError: there is no such table, or pandas is missing.
        """
        if table not in TABLES:
            raise SteerkitError(
                f"to_dataframe: no table {table!r}{nearest(table, TABLES)} (tables: {', '.join(TABLES)})"
            )
        try:
            import pandas as pd
        except ImportError:
            raise SteerkitError(PANDAS) from None
        found = self._table(table)
        types = found.nullable
        series = {name: pd.Series(values, dtype=types.get(name)) for name, values in found.columns.items()}
        return pd.DataFrame(series)

    def _table(self, name: str) -> Table:
        if name == "completions":
            return Table.of(self.completions())
        return run_table(self._kept, "cells") if name == "cells" else Table.of(getattr(self.results, name))

    def __repr__(self) -> str:
        chosen = self.results.selected in marked(self.results)
        mark = ", chosen on the prompts that it is measured on" if chosen else ""
        cells = len(self.cells)
        return f"Report({str(self.path)!r}: {_headline(self.selected)}{mark}; {cells} cells)"

    def _repr_html_(self) -> str:
        """A notebook's view: the chosen cells, their baselines and controls, and the notes."""
        shown = [cell for cell in self.cells if cell.selected or cell.role != "steered"]
        marks = marked(self.results)
        labels = list(dict.fromkeys(label for cell in shown for label in cell.rates))
        rows = [
            [
                f"{cell.id}{MARK if cell.id in marks else ''}",
                cell.control or cell.role,
                *("" if value is None else value for value in (cell.layer, cell.multiplier)),
                *(_rate(cell, label) for label in labels),
            ]
            for cell in shown
        ]
        notes = "".join(f"<p>{escape(note)}</p>" for note in [*([TOLD] if marks else []), *self.notes])
        return html_table(repr(self), ["cell", "role", *PLACE, *labels], rows) + notes


def open_run(run: str | Path) -> Report:
    """The report of a run that has ended: its folder, or its name below `runs/`.

    Raises:
        StoreError: no such run, an unfinished one, or one of a later steerkit.
    """
    return Report(finished_run(Path(run)))


def _headline(cell: CellResult | None) -> str:
    if cell is None:
        return "no configuration came to a result"
    label = next(iter(cell.rates))
    strength = "" if cell.multiplier is None else f", multiplier {cell.multiplier:g}"
    return f"{label} {_rate(cell, label)} at layer {cell.layer}{strength}"


def _rate(cell: CellResult, label: str) -> str:
    rate = cell.rates.get(label)
    if rate is None:
        return ""
    return f"{rate.k}/{rate.n} ({interval(rate)})"
