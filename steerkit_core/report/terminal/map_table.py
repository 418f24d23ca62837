"""A map of layers and multipliers in a terminal."""

from __future__ import annotations

from rich.console import Group

from steerkit_core.counting.windows import STEERABLE
from steerkit_core.report.content.maps import Map, ended_early
from steerkit_core.report.terminal.layout import ruled_table, titled
from steerkit_core.results.cells import CellResult


def map_table(found: Map) -> Group:
    """Coherent refusals by layer and multiplier; garbled completions beside them."""
    sizes = {cell.n for cell in found.cells.values()}
    of = f" of {sizes.pop()}" if len(sizes) == 1 else ""
    table = ruled_table()
    table.add_column("layer", no_wrap=True)
    for multiplier in found.multipliers:
        table.add_column(f"{multiplier:g}", justify="right", no_wrap=True)
    for layer in found.layers:
        cells = [found.cells.get((layer, multiplier)) for multiplier in found.multipliers]
        table.add_row(str(layer), *("" if cell is None else _map_entry(cell, of) for cell in cells))
    title = f"coherent refusals{of}, by layer and {found.axis}: {found.title}"
    return titled(title, table, _map_caption(found))


def _map_caption(found: Map) -> str:
    caption = "green: coherent refusals; red: garbled; the rest is normal"
    ended = [cell for cell in found.cells.values() if ended_early(cell)]
    if ended:
        total = max(cell.prompts_total for cell in ended)
        caption += f"; a cell of fewer than {total} was ended early"
    return caption


def _map_entry(cell: CellResult, of: str) -> str:
    if not cell.n or cell.failure:
        return "[magenta]failed[/]"
    refusals, garbled = cell.counts.get("refusal", 0), cell.counts.get("garbled", 0)
    share = refusals / cell.n
    style = "bold green" if share >= STEERABLE else "green" if refusals else "dim"
    size = "" if of else f"/{cell.n}"
    return f"[{style}]{refusals:2}[/]{size} [{'red' if garbled else 'dim'}]{garbled:2}[/]"
