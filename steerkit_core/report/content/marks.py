"""Text of a model as it stands in a page: escaped, with the places that decided its verdict marked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape

from markupsafe import Markup

from steerkit_core.results.rows import JudgedRow

LONGEST = 4000  # characters; the files of the run have the rest


def plain(text: str) -> Markup:
    """Escaped for the inside of an element, where quotation marks need not be."""
    return Markup(escape(text, quote=False))  # noqa: S704  # reason: it has just been escaped


def marked_text(text: str, spans: Iterable[Sequence[int]] = ()) -> Markup:
    """The text with its evidence marked, cut off where it is very long.

    Args:
        text: any text.
        spans: pairs of the first character and the one behind the last; they may overlap.
    """
    shown = text[:LONGEST]
    parts, done = [], 0
    for start, end in merged(spans, len(shown)):
        parts += [plain(shown[done:start]), Markup("<mark>"), plain(shown[start:end]), Markup("</mark>")]
        done = end
    parts.append(plain(shown[done:]))
    if len(text) > len(shown):
        parts.append(Markup('<i class="cut">… and {} more characters</i>').format(len(text) - len(shown)))
    return Markup("").join(parts)


def evidence_spans(text: str, row: JudgedRow) -> list[Sequence[int]]:
    """Where the evidence of a verdict stands: as its judge says, else where its words first stand."""
    if row.spans:
        return list(row.spans)
    words = (row.evidence or "").split()
    found = re.search(r"\s+".join(map(re.escape, words)), text, re.IGNORECASE) if words else None
    return [] if found is None else [found.span()]


def merged(spans: Iterable[Sequence[int]], length: int) -> list[tuple[int, int]]:
    """Spans in order, those that touch as one, without what lies beyond `length`."""
    found: list[tuple[int, int]] = []
    for start, end in sorted((max(start, 0), min(end, length)) for start, end in spans):
        if start >= end:
            continue
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found
