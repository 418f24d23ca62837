"""What the paper prints, as `data/paper.toml` has it: cells, statistics, contradictions and claims."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import cattrs
from attrs import frozen

from steerkit_core import SteerkitError

DATA = Path(__file__).parent / "data" / "paper.toml"

_DECIMALS = re.compile(r"\d+(?:\.(\d+))?")

T = TypeVar("T")


@frozen(kw_only=True)
class Cell:
    """One printed number, or word, of a table.

    `value` is it as a number (a rate in percent); `k` of `n` are the counts of a rate. `key`, `key_value`
    and `key_n` are the same quantity in the results file: the value, or else the layer. `depth` (percent)
    belongs to `layer`.
    """

    id: str
    row: str
    column: str
    printed: str
    source: str
    value: float | None = None
    k: int | None = None
    n: int | None = None
    layer: int | None = None
    depth: int | None = None
    model: str | None = None
    key: str | None = None
    key_value: float | None = None
    key_n: int | None = None


@frozen(kw_only=True)
class Table:
    """A table of the paper with the recipes that repeat it, for its own models and for the bundled ones."""

    id: str
    title: str
    section: str
    columns: tuple[str, ...]
    cells: tuple[Cell, ...]
    rows: int
    recipes: tuple[str, ...] = ()
    bundled: tuple[str, ...] = ()
    gap: str = ""

    @property
    def by_row(self) -> dict[str, list[Cell]]:
        """The cells of each row, as they follow each other."""
        found: dict[str, list[Cell]] = {}
        for cell in self.cells:
            found.setdefault(cell.row, []).append(cell)
        return found


@frozen(kw_only=True)
class Statistic:
    """Something the paper prints about cells.

    `measure` says how it is recomputed (see `measures.MEASURES`); `relation` how the printed `values` are
    meant. `else_of` are other cells that the figure may really have been computed from. Without a
    `measure`, `reason` says why it cannot be recomputed.
    """

    id: str
    table: str
    section: str
    what: str
    printed: str
    values: tuple[float, ...] = ()
    about: tuple[str, ...] = ()
    measure: str | None = None
    relation: str = "="
    parameters: Mapping[str, float] = {}
    else_of: tuple[tuple[str, ...], ...] = ()
    reason: str = ""
    note: str = ""


@frozen(kw_only=True)
class Supplement:
    """A figure that the paper does not print, and that its counts allow."""

    id: str
    table: str
    what: str
    measure: str
    about: tuple[str, ...]
    scores: tuple[float, ...] = ()
    note: str = ""


@frozen(kw_only=True)
class Side:
    """What one source says, in the fewest words."""

    says: str
    source: str


@frozen(kw_only=True)
class Contradiction:
    """One quantity in several places."""

    id: str
    table: str
    what: str
    sides: tuple[Side, ...]
    note: str = ""


@frozen(kw_only=True)
class Claim:
    """A statement of the paper that does not hold as it stands; `evidence` are ids of this file."""

    id: str
    claim: str
    verdict: str
    why: str
    source: str
    evidence: tuple[str, ...] = ()


@frozen(kw_only=True)
class Repeats:
    """How many different prompts stand behind an `n`."""

    n: int
    unique: int
    source: str


@frozen(kw_only=True)
class Model:
    """A model of the paper: its id on the hub, number of blocks, and hidden size."""

    label: str
    id: str
    blocks: int
    width: int
    source: str


@frozen(kw_only=True)
class Study:
    """What a study is cited by."""

    title: str
    author: str
    year: int


@frozen(kw_only=True, slots=False)
class Paper:
    """All that the file holds."""

    schema_version: int
    title: str
    author: str
    year: int
    sources: Mapping[str, str]
    repeats: tuple[Repeats, ...]
    models: Mapping[str, Model]
    tables: tuple[Table, ...]
    statistics: tuple[Statistic, ...]
    supplements: tuple[Supplement, ...]
    contradictions: tuple[Contradiction, ...]
    claims: tuple[Claim, ...]

    @property
    def study(self) -> Study:
        """What the paper is cited by."""
        return Study(title=self.title, author=self.author, year=self.year)

    @cached_property
    def cells(self) -> dict[str, Cell]:
        """Every cell by its id."""
        return {cell.id: cell for table in self.tables for cell in table.cells}

    def unique(self, n: int) -> int:
        """The number of different prompts behind `n`."""
        return next((entry.unique for entry in self.repeats if entry.n == n), n)

    def by_prompt(self, k: int, n: int) -> tuple[int, int]:
        """`k` of `n` with the repeats of a prompt as one observation.

        Raises:
            SteerkitError: no whole number of prompts gives that rate.
        """
        unique = self.unique(n)
        if k * unique % n:
            raise SteerkitError(f"{k} of {n} is no whole number of {unique} prompts")
        return k * unique // n, unique

    def ids(self) -> Iterator[str]:
        """Every id of the file, repeated where the file repeats it."""
        for table in self.tables:
            yield table.id
            yield from (cell.id for cell in table.cells)
        for entries in (self.statistics, self.supplements, self.contradictions, self.claims):
            yield from (entry.id for entry in entries)


def decimals_of(printed: str) -> int:
    """How many decimals the most precise number of a printed text has."""
    return max((len(found or "") for found in _DECIMALS.findall(printed)), default=0)


def half_unit(decimals: int) -> float:
    """How far a number may be from a printed one that it rounds to; a half may be rounded either way."""
    return 0.5 * 10.0**-decimals + 1e-9


def read_document(text: str, kind: type[T], what: str) -> T:
    """A value of an attrs class from TOML, in which no key may be one that the class has not.

    Raises:
        SteerkitError: the text is no such document; `what` says what it would have been.
    """
    try:
        return cattrs.Converter(forbid_extra_keys=True).structure(tomllib.loads(text), kind)
    except (tomllib.TOMLDecodeError, cattrs.BaseValidationError) as error:
        problems = (
            cattrs.transform_error(error) if isinstance(error, cattrs.BaseValidationError) else [error]
        )
        raise SteerkitError(f"{what}: {problems[0]}") from error


def load_paper(text: str | None = None) -> Paper:
    """The paper's numbers, from the file that ships unless a text is given.

    Raises:
        SteerkitError: the text is no such file, an id occurs twice, or something refers to an id that
            does not exist.
    """
    paper = read_document(DATA.read_text("utf-8") if text is None else text, Paper, "the paper's numbers")
    known: set[str] = set()
    for name in paper.ids():
        if name in known:
            raise SteerkitError(f"the paper's numbers: {name!r} is there twice")
        known.add(name)
    _check_references(paper, known)
    return paper


def _check_references(paper: Paper, known: set[str]) -> None:
    tables = {table.id for table in paper.tables}
    wanted: list[tuple[str, str, Collection[str]]] = []
    for statistic in paper.statistics:
        cells = [*statistic.about, *(name for other in statistic.else_of for name in other)]
        wanted += [(statistic.id, name, paper.cells) for name in cells]
    for supplement in paper.supplements:
        wanted += [(supplement.id, name, paper.cells) for name in supplement.about]
    wanted += [(one.id, one.table, tables) for one in paper.statistics]
    wanted += [(one.id, one.table, tables) for one in paper.supplements]
    wanted += [(one.id, one.table, tables) for one in paper.contradictions]
    for claim in paper.claims:
        wanted += [(claim.id, name, known) for name in claim.evidence]
    for cell in paper.cells.values():
        if cell.model is not None:
            wanted.append((cell.id, cell.model, paper.models))
    for where, name, there in wanted:
        if name not in there:
            raise SteerkitError(f"the paper's numbers: {where!r} refers to {name!r}, which is not there")
