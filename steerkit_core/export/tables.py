"""A run's results as flat tables: a row for each cell, completion, verdict or comparison.

Nested fields become columns with dots in their names, such as `rates.refusal.low`; lists become JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, cast

from attrs import frozen

from steerkit_core.results.cells import CellResult
from steerkit_core.results.converter import unstructured
from steerkit_core.results.files import COMPLETIONS, VERDICTS, read_rows
from steerkit_core.results.rows import CompletionRow, VerdictRow
from steerkit_core.results.run import KeptRun

Name = Literal["cells", "completions", "verdicts", "comparisons"]
Value = str | int | float | bool | None


@frozen(eq=False)
class Table:
    """Columns of equal length, each of bool, int, float or str, with None where there is nothing."""

    columns: Mapping[str, Sequence[Value]]

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return len(next(iter(self.columns.values()), ()))

    @property
    def nullable(self) -> dict[str, str]:
        """What pandas calls the type of whole numbers and truths with gaps, by column.

        Unless it is told, it makes floats and objects of them.
        """
        names = {int: "Int64", bool: "boolean"}
        kinds = {
            column: next((type(value) for value in values if value is not None), str)
            for column, values in self.columns.items()
            if None in values
        }
        return {column: names[kind] for column, kind in kinds.items() if kind in names}

    @classmethod
    def of(cls, rows: Iterable[object]) -> Table:
        """Rows as columns, in the order of the rows' own keys; each column of the widest type.

        A row is an object of a class of results, or a table as JSON has it.
        """
        flat = [dict(_flat(unstructured(row))) for row in rows]
        keys = dict.fromkeys(name.partition(".")[0] for row in flat for name in row)
        order = {key: number for number, key in enumerate(keys)}
        names = sorted(
            dict.fromkeys(name for row in flat for name in row),
            key=lambda name: order[name.partition(".")[0]],
        )
        # a table that is null as a whole in some rows is so in each of its columns, and is no column itself
        inner = {name[: dot.start()] for name in names for dot in re.finditer(r"\.", name)}
        return cls({name: _typed([row.get(name) for row in flat]) for name in names if name not in inner})


def run_table(run: KeptRun, name: Name) -> Table:
    """A table of a run that has ended.

    Completions and verdicts are those of the cells in `results.json`, in their order.

    Raises:
        StoreError: a file of the run is missing or damaged, or does not fit the results.
    """
    cells = run.results.cells
    if name == "comparisons":
        return Table.of(run.results.comparisons)
    if name == "cells":  # the options are long, and stand behind what was found
        return Table.of(_options_last(cell) for cell in cells)
    order = {cell.id: number for number, cell in enumerate(cells)}
    found: Sequence[CompletionRow] | Sequence[VerdictRow]
    if name == "completions":
        found = read_rows(run.folder, COMPLETIONS, CompletionRow, "to have the row generated again")
    else:
        found = read_rows(run.folder, VERDICTS, VerdictRow, "and give the command of the run again")
    # of a row that stands there twice the last one counts, as it does for the run
    rows = {(row.cell, row.prompt_id): (order[row.cell], row) for row in found if row.cell in order}
    return Table.of(row for _, row in sorted(rows.values(), key=lambda numbered: numbered[0]))


def _options_last(cell: CellResult) -> dict[str, object]:
    found: dict[str, object] = unstructured(cell)
    found["options"] = found.pop("options")
    return found


def _flat(row: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, Value]]:
    for key, value in row.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            if value:
                yield from _flat(value, f"{name}.")
        elif isinstance(value, list | tuple):
            yield name, json.dumps(value, ensure_ascii=False)
        else:
            yield name, cast("Value", value)


def _typed(values: Sequence[Value]) -> Sequence[Value]:
    """The same values as bool, int, float or str, the narrowest that holds all of them."""
    kinds = {type(value) for value in values if value is not None}
    if len(kinds) <= 1:
        return values
    kind: Callable[[Any], Value] = float if kinds == {int, float} else str
    return [None if value is None else kind(value) for value in values]
