"""Which cell of which run answers which cell of the paper, as `data/replication.toml` has it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Literal

from attrs import evolve, frozen

from steerkit_paper.records import Cell

Models = Literal["bundled", "paper"]
MODELS: tuple[Models, ...] = ("bundled", "paper")


@frozen(kw_only=True)
class Place:
    """A run in which an answer stands: a recipe on one model; `why` it is the answer.

    `other` is a second recipe on the same model, where a row is about two; `source` the model that
    transferred directions are from; `multiplier` that of the cell, where the run has several.
    """

    recipe: str
    model: str
    why: str
    other: str = ""
    source: str = ""
    multiplier: float | None = None

    def recipe_of(self, column: Column) -> str:
        """The recipe that a column is read from."""
        return self.other if column.of == "other" else self.recipe


@frozen(kw_only=True)
class Column:
    """What is read for a column, or the reason why nothing is; with both it is shown and not compared.

    `depth` (percent) and `multiplier` say in which cell, where the run has several, `bundled_multiplier` on
    the bundled models; `within` is how far a number without interval may be off; `least` is the own rate of
    the target from which TE is read; `word` is where to look if the paper has no number but a word.
    """

    column: str
    quantity: str = ""
    reason: str = ""
    of: Literal["recipe", "other"] = "recipe"
    depth: int | None = None
    multiplier: float | None = None
    bundled_multiplier: float | None = None
    quantization: str = "none"
    within: float | None = None
    least: float = 0.0
    word: str = ""

    def of_row(self, row: Row, models: Models) -> Column:
        """The column in a row that says itself what is read, or at which depth."""
        bundled = models == "bundled" and self.bundled_multiplier is not None
        return evolve(
            self,
            quantity=row.quantity or self.quantity,
            depth=self.depth if row.depth is None else row.depth,
            multiplier=self.bundled_multiplier if bundled else self.multiplier,
        )


@frozen(kw_only=True)
class Row:
    """Where a row's answers stand, on the paper's models and on the bundled ones, or why nowhere.

    `quantity` and `depth` (percent) are for all of its columns.
    """

    row: str
    quantity: str = ""
    depth: int | None = None
    paper: Place | None = None
    bundled: Place | None = None
    no_paper: str = ""
    no_bundled: str = ""

    def place(self, models: Models) -> Place | None:
        """The run on these models."""
        return self.paper if models == "paper" else self.bundled

    def reason(self, models: Models) -> str:
        """Why there is no run on these models."""
        return self.no_paper if models == "paper" else self.no_bundled


@frozen(kw_only=True)
class TableMap:
    """The answers to one table; `reason` is for the cells whose row has none."""

    id: str
    columns: tuple[Column, ...] = ()
    rows: tuple[Row, ...] = ()
    reason: str = ""


@frozen(kw_only=True)
class Trial:
    """A claim of the paper about cells, and the test that it is put to; see `claims.TESTS`.

    `widths` are the hidden sizes behind the paper's cosines.
    """

    id: str
    table: str
    says: str
    source: str
    test: str
    about: tuple[str, ...]
    pattern: tuple[bool, ...] = ()
    scores: tuple[float, ...] = ()
    widths: tuple[int, ...] = ()
    least: float = 0.0


@frozen(kw_only=True, slots=False)
class Mapping:
    """All answers and claims; `rules` say how they are judged, `stand_in` what bundled models are for."""

    schema_version: int
    rules: tuple[str, ...]
    stand_in: str
    tables: tuple[TableMap, ...]
    claims: tuple[Trial, ...]

    @cached_property
    def by_table(self) -> dict[str, TableMap]:
        """Each table's answers, by its id."""
        return {table.id: table for table in self.tables}

    def find(self, table: str, cell: Cell, models: Models) -> tuple[Place, Column] | str:
        """Where the answer to a cell stands, or why nowhere."""
        found = self.by_table[table]
        row = next((row for row in found.rows if row.row == cell.row), None)
        column = self.column(table, cell)
        if column is not None and not column.quantity:
            return column.reason
        if row is None or column is None:
            return found.reason
        place = row.place(models)
        if place is None:
            return row.reason(models)
        return place, column.of_row(row, models)

    def column(self, table: str, cell: Cell) -> Column | None:
        """What is read for the column of a cell, whether or not its row has an answer."""
        columns = self.by_table[table].columns
        return next((column for column in columns if column.column == cell.column), None)

    def places(self, table: str, models: Models) -> Iterator[tuple[str, str]]:
        """The runs that a table needs, as (recipe, model), each once."""
        found: dict[tuple[str, str], None] = {}
        for row in self.by_table[table].rows:
            place = row.place(models)
            if place is not None:
                recipes = (name for name in (place.recipe, place.other) if name)
                found.update(dict.fromkeys((name, place.model) for name in recipes))
        yield from found

    def tables_to_run(self, models: Models) -> list[str]:
        """The tables that have answers on these models."""
        return [table.id for table in self.tables if any(row.place(models) for row in table.rows)]
