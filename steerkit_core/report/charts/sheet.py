"""A figure as an SVG file of its own, in the light page's colours."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from attrs import frozen
from markupsafe import Markup

from steerkit_core.report.charts.figure import Figure, Panel
from steerkit_core.report.charts.keys import Key
from steerkit_core.report.charts.picture import text_width
from steerkit_core.report.charts.style import file_style

EDGE, GAP = 12, 20  # pixels around the sheet, and between two panels or keys
LINE = 18  # pixels of a line of text
NARROWEST = 360  # pixels that a heading has at least


@frozen
class Block:
    """Something drawn from its own upper left corner, and how many pixels it takes."""

    width: float
    height: float
    body: Markup


def sheet(figure: Figure) -> str:
    """The file's text: the same for the same figure."""
    rows = [
        _beside([_panel(panel) for panel in figure.panels[start : start + figure.across]])
        for start in range(0, len(figure.panels), figure.across)
    ]
    inner = max(NARROWEST, *(row.width for row in rows))
    blocks = [_text(figure.title, inner, 8), *rows]
    blocks += [_keys(figure.keys, inner)] if figure.keys else []
    blocks += [_text(figure.note, inner)] if figure.note else []
    drawn = _below(blocks, inner)
    width, height = round(drawn.width + 2 * EDGE), round(drawn.height + 2 * EDGE)
    return Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" width="{0}" height="{1}" viewBox="0 0 {0} {1}">\n'
        "<style>\n{2}</style>\n"
        '<rect width="{0}" height="{1}" class="paper"/>\n'
        '<g transform="translate({3} {3})">{4}</g>\n</svg>\n'
    ).format(width, height, Markup(file_style()), EDGE, drawn.body)  # noqa: S704  # reason: our own style sheet


def _panel(panel: Panel) -> Block:
    picture = panel.picture
    drawn = Block(
        picture.width,
        picture.height,
        Markup('<g role="img" aria-label="{}">{}</g>').format(picture.title, picture.body),
    )
    blocks = [_text(panel.caption, picture.width)] if panel.caption else []
    blocks += [drawn, *([_keys(panel.keys, picture.width)] if panel.keys else [])]
    return _below(blocks, picture.width, picture.middle)


def _text(text: str, width: float, after: int = 0) -> Block:
    """Text in the middle, in as many lines as it needs, and `after` empty pixels."""
    lines = textwrap.wrap(text, max(1, int(width / text_width(" "))))
    taken = max(map(text_width, lines), default=0.0)
    body = Markup("").join(
        Markup('<text x="{:g}" y="{}" class="t">{}</text>').format(taken / 2, LINE * number + 12, line)
        for number, line in enumerate(lines)
    )
    return Block(taken, LINE * len(lines) + after, body)


def _keys(keys: Sequence[Key], width: float) -> Block:
    """A legend in the middle, in as many rows as it needs."""
    rows: list[list[Block]] = [[]]
    for key in keys:
        block = _key(key)
        taken = sum(one.width + GAP for one in rows[-1])
        if rows[-1] and taken + block.width > width:
            rows.append([])
        rows[-1].append(block)
    drawn = [_beside(row) for row in rows]
    return _below(drawn, max(row.width for row in drawn))


def _key(key: Key) -> Block:
    body = Markup('{}<text x="{}" y="10" class="s">{}</text>').format(key.sample, key.width + 6, key.name)
    return Block(key.width + (text_width(key.name) + 6 if key.name else 0), LINE, body)


def _beside(blocks: Sequence[Block]) -> Block:
    parts, x = [], 0.0
    for block in blocks:
        parts.append(_at(x, 0, block))
        x += block.width + GAP
    return Block(x - GAP, max(block.height for block in blocks), Markup("").join(parts))


def _below(blocks: Sequence[Block], width: float, middle: float | None = None) -> Block:
    """One below the other, each around the middle as far as there is room."""
    parts, y = [], 0.0
    middle = width / 2 if middle is None else middle
    for block in blocks:
        x = min(max(middle - block.width / 2, 0.0), max(width - block.width, 0.0))
        parts.append(_at(x, y, block))
        y += block.height
    return Block(width, y, Markup("").join(parts))


def _at(x: float, y: float, block: Block) -> Markup:
    return Markup('<g transform="translate({:g} {:g})">{}</g>').format(x, y, block.body)
