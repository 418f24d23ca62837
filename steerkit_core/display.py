"""How values show themselves in a notebook."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any


def spanned(numbers: Sequence[int]) -> str:
    """`0 to 5` for numbers in a row, `-1` for one, else all of them with commas."""
    if len(numbers) > 2 and list(numbers) == list(range(numbers[0], numbers[0] + len(numbers))):
        return f"{numbers[0]} to {numbers[-1]}"
    return ", ".join(map(str, numbers)) or "none"


def html_table(title: str, heads: Iterable[Any], rows: Iterable[Iterable[Any]]) -> str:
    """A plain HTML table under a line of text; whatever stands in it is escaped."""
    head = "".join(f"<th>{escape(str(name))}</th>" for name in heads)
    body = "".join(f"<tr>{''.join(f'<td>{escape(str(value))}</td>' for value in row)}</tr>" for row in rows)
    return f"<p>{escape(title)}</p><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
