"""The four formats of a prompt file: each reads a text into rows and notes what is not of that format."""

from __future__ import annotations

import csv
import json
import re
import tomllib
from io import StringIO
from typing import TYPE_CHECKING, Any

from steerkit_core.recipe.prompts.rows import KEYS, PromptCollector, Row, unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_TOML_HEADER = re.compile(r"^[ \t]*\[\[[ \t]*prompt[ \t]*\]\]", re.MULTILINE)


def read_toml(text: str, into: PromptCollector) -> None:
    """`[[prompt]]` tables."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        into.problem("", f"not valid TOML: {error}")
        return
    for key in document:
        if key != "prompt":
            into.problem("", unknown("key", key, ("prompt",)))
    tables = document.get("prompt", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        into.problem("", "expected 'prompt' to be [[prompt]] tables")
        return
    # the parser keeps no line numbers; the headers have them, unless the tables are written inline
    lines = [text.count("\n", 0, header.start()) + 1 for header in _TOML_HEADER.finditer(text)]
    for index, table in enumerate(tables):
        if len(lines) == len(tables):
            into.add(Row.of_line(lines[index], table))
        else:
            into.add(Row(f": prompt {index + 1}", f"prompt {index + 1}", table))


def read_jsonl(text: str, into: PromptCollector) -> None:
    """One object per line."""
    for number, line in _lines(text, into):
        try:
            value: Any = json.loads(line)
        except json.JSONDecodeError as error:
            into.problem(f":{number}", f"not valid JSON: {error.msg} at column {error.colno}")
            continue
        if isinstance(value, dict):
            into.add(Row.of_line(number, value))
        else:
            into.problem(
                f":{number}", f'expected an object such as {{"text": "..."}}, got {line.strip()[:40]}'
            )


def read_txt(text: str, into: PromptCollector) -> None:
    """One prompt per line; there are no comments, because a prompt may begin with any character."""
    for number, line in _lines(text, into):
        into.add(Row.of_line(number, {"text": line.strip()}))


def read_csv(text: str, into: PromptCollector) -> None:
    """A row with the names of the columns, and one row per prompt."""
    records = _records(text, into)
    header = next(records, None)
    if header is None:
        return
    line, names = header[0], [name.strip().lower() for name in header[1]]
    for index, name in enumerate(names):
        if name not in KEYS:
            into.problem(f":{line}", unknown("column", name))
        elif name in names[:index]:
            into.problem(f":{line}", f"the column {name!r} occurs twice")
    if "text" not in names and "prompt" not in names:
        into.problem(f":{line}", "no column 'text' or 'prompt'; the first row names the columns")
        return
    for line, cells in records:
        if len(cells) != len(names):
            into.problem(
                f":{line}",
                f"expected {len(names)} cells, got {len(cells)}; put a text with a comma in double quotes",
            )
        else:
            pairs = zip(names, cells, strict=True)
            into.add(Row.of_line(line, {name: cell for name, cell in pairs if name in KEYS}))


def _lines(text: str, into: PromptCollector) -> Iterator[tuple[int, str]]:
    """Numbered lines that are not blank; notes blank ones, except at the end."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").rstrip().split("\n")
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield number, line
        elif len(lines) > 1:
            into.problem(f":{number}", "empty row")


def _records(text: str, into: PromptCollector) -> Iterator[tuple[int, list[str]]]:
    """Numbered records that are not blank; notes blank ones, except at the end."""
    reader = csv.reader(StringIO(text, newline=""), strict=True)
    blank: list[int] = []
    while True:
        line = reader.line_num + 1  # a quoted cell may go over several lines
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            into.problem(f":{line}", f"not valid CSV: {error}")
            return
        if not any(cell.strip() for cell in cells):
            blank.append(line)
            continue
        for empty in blank:
            into.problem(f":{empty}", "empty row")
        blank = []
        yield line, cells


READERS: dict[str, Callable[[str, PromptCollector], None]] = {
    ".toml": read_toml,
    ".jsonl": read_jsonl,
    ".csv": read_csv,
    ".txt": read_txt,
}
