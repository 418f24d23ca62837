"""Rates of refusal by layer: a line for each multiplier, with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from attrs import frozen

from steerkit_core.report.charts.figure import Figure, Panel
from steerkit_core.report.charts.keys import level_key, line_keys
from steerkit_core.report.charts.lines import Line, Point, line_chart
from steerkit_core.report.charts.palette import SERIES
from steerkit_core.report.charts.scales import some
from steerkit_core.report.content.maps import ended_early, families
from steerkit_core.report.content.percent import interval
from steerkit_core.report.content.record import RunRecord
from steerkit_core.report.page.sections.base import Section
from steerkit_core.results.cells import CellResult

MOST = 8  # charts
PANELS = 24  # of one family; of more multipliers evenly spread ones, and the table has all
PANEL = (330, 200)


@frozen
class Rates:
    """What was swept over layers, all else equal.

    `lines` are by multiplier, each the cells in the order of their layers.
    """

    title: str
    axis: str
    lines: Mapping[float | None, Sequence[CellResult]]
    baseline: CellResult | None

    @property
    def drawn(self) -> list[float | None]:
        """The multipliers that a chart shows."""
        every = list(self.lines)
        return [every[place] for place in some(range(len(every)), PANELS)]


@frozen
class RatesTable:
    """The numbers of a chart as a table."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]


def section(run: RunRecord) -> Section | None:
    """None where fewer than two layers were tried."""
    found = rates(run)
    if not found:
        return None
    shown = found[: run.limit(MOST)]
    drawn = [{"figure": figure(one), "table": table(one)} for one in shown]
    return Section("rates", "Refusals by layer", {"drawn": drawn, "left_out": len(found) - len(shown)})


def rates(run: RunRecord) -> list[Rates]:
    """One for each family of cells that has several layers."""
    found = []
    for family in families(run.results):
        lines: dict[float | None, list[CellResult]] = {}
        for (_, column), cell in sorted(family.cells.items(), key=lambda item: item[0][0]):
            if _known(cell):
                lines.setdefault(column, []).append(cell)
        if len({cell.layer for line in lines.values() for cell in line}) > 1:
            ordered = dict(sorted(lines.items(), key=lambda item: item[0] or 0.0))
            some = next(iter(family.cells.values()))
            found.append(Rates(family.title, family.axis, ordered, run.baseline(some)))
    return found


def figures(run: RunRecord) -> list[Figure]:
    """Those of a page of this run alone."""
    return [figure(one) for one in rates(run)[:MOST]]


def figure(found: Rates) -> Figure:
    """One chart for a few multipliers, or a panel for each of many."""
    level, words = _level(found.baseline)
    title = f"Share of coherent refusals by layer: {found.title}"
    lines = [Line(_name(found, by), [_point(cell) for cell in found.lines[by]]) for by in found.drawn]
    drawn = partial(line_chart, x="layer", y="coherent refusals", share=True, level=level)
    baseline = [level_key(words)] if words else []
    if len(lines) <= len(SERIES):
        keys = line_keys([line.name for line in lines if line.name])
        return Figure(found.title, [Panel(drawn(title, lines))], keys + baseline)
    panels = [
        Panel(drawn(f"{title}, {line.name}", [line], size=PANEL), line.name or found.title)
        for line in lines
    ]
    left_out = len(found.lines) - len(lines)
    note = f"{len(lines)} of {len(found.lines)} strengths are drawn" if left_out else ""
    return Figure(found.title, panels, baseline, note)


def table(found: Rates) -> RatesTable:
    """The same numbers: a row for each layer, a column for each multiplier."""
    by_place = {(cell.layer or 0, by): cell for by, line in found.lines.items() for cell in line}
    layers = sorted({layer for layer, _ in by_place})
    rows = [[str(layer), *(_entry(by_place.get((layer, by))) for by in found.lines)] for layer in layers]
    return RatesTable(["layer", *(_name(found, by) or "refusal" for by in found.lines)], rows)


def _known(cell: CellResult) -> bool:
    return bool(cell.n) and not cell.failure and "refusal" in cell.rates


def _name(found: Rates, by: float | None) -> str:
    return "" if by is None else f"{found.axis} {by:g}"


def _point(cell: CellResult) -> Point:
    rate = cell.rates["refusal"]
    hint = f"layer {cell.layer}: {_entry(cell)}"
    return Point(cell.layer or 0, rate.rate, rate.low, rate.high, hint)


def _entry(cell: CellResult | None) -> str:
    if cell is None:
        return ""
    rate = cell.rates["refusal"]
    early = f" (ended early, of {cell.prompts_total})" if ended_early(cell) else ""
    return f"{rate.k}/{rate.n}{early}, {interval(rate)}"


def _level(cell: CellResult | None) -> tuple[float | None, str]:
    """The rate of the baseline, and what the chart's legend says of it."""
    if cell is None or not _known(cell):
        return None, ""
    rate = cell.rates["refusal"]
    return rate.rate, f"baseline, {rate.k}/{rate.n}"
