"""Options that are set in a recipe from outside: `--set` on the command line, `overrides` in Python."""

from __future__ import annotations

import tomllib
from collections.abc import MutableMapping, Sequence
from typing import TYPE_CHECKING

from attrs import frozen

from steerkit_core.errors import Problem, RecipeError, SteerkitError

if TYPE_CHECKING:
    from tomlkit import TOMLDocument


@frozen
class Change:
    """An option `key` of a table that is set to a value; without a key the whole table is replaced.

    `written` is the change as `--set` takes it, by which a run notes it.
    """

    table: str
    key: str
    value: object
    written: str

    def apply(self, document: MutableMapping[str, object]) -> None:
        """Set the option in a recipe's document.

        Raises:
            SteerkitError: what should be a table is none.
        """
        if not self.key:
            document[self.table] = self.value
            return
        table = document.setdefault(self.table, {})
        if not isinstance(table, dict):
            raise SteerkitError(f"{self.table} is not a table, in {self.written!r}")
        table[self.key.strip('"')] = self.value


def read_change(line: str) -> Change:
    """`table.key=value`, or `table={...}`, as a component that is changed for another needs it.

    Raises:
        SteerkitError: the line is not of that form.
    """
    place, equals, written = line.partition("=")
    table, dot, key = place.strip().partition(".")
    value = toml_value(written.strip())
    whole = not dot and isinstance(value, dict)
    if not (equals and table and (key or whole)):
        raise SteerkitError(f"expected table.key=value or table={{...}}, got {line!r}")
    return Change(table, key, value, line)


def apply_changes(document: TOMLDocument, changes: Sequence[str | Change]) -> tuple[str, dict[str, object]]:
    """Make changes in a document, which keeps its comments; returns its text and what it says.

    Raises:
        RecipeError: a line is no change, or changes what is no table.
    """
    import tomlkit

    faults: list[Problem] = []
    for given in changes:
        try:
            change = read_change(given) if isinstance(given, str) else given
            change.apply(document)
        except SteerkitError as error:
            faults.append(Problem("--set", str(error)))
    if faults:
        raise RecipeError(faults)
    return tomlkit.dumps(document), document.unwrap()


def toml_value(text: str) -> object:
    """A value as TOML would write it; a bare word is a string."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def toml_text(value: object) -> str:
    """A value as TOML writes it in one line.

    Raises:
        TypeError, ValueError: TOML has no word for it.
    """
    import tomlkit

    if not isinstance(value, dict):
        return tomlkit.item(value).as_string()
    table = tomlkit.inline_table()
    table.update(value)
    return table.as_string()
