"""`steerkit stability` and `steerkit rank` in a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from steerkit_core.extraction.rank import RankReport
from steerkit_core.extraction.stability import Curve, Kind, StabilityReport
from steerkit_core.report.content.stability import TITLES, by_source, rank_verdicts, verdicts
from steerkit_core.report.terminal.layout import plain_table

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def print_stability(report: StabilityReport, console: Console) -> None:
    """A table of mean cosines for each kind, and what it means for the threshold."""
    threshold = report.threshold
    for heading, entries in by_source(report.curves):
        console.print(f"\n[bold]{_escaped(heading)}[/]", soft_wrap=True)
        for kind, title in TITLES.items():
            if kind in entries[0].reached:
                _titled(title, _cosines(kind, entries, threshold), console)
        console.print()
        for sentence in verdicts(entries, threshold):
            console.print(sentence, markup=False, soft_wrap=True)


def _cosines(kind: Kind, entries: Sequence[Curve], threshold: float) -> Table:
    sizes = [point.size for point in entries[0].points if point.kind == kind]
    halves = kind == "halves"
    names = ["layer", *(f"n = {size}" for size in sizes), *["doubled"] * halves, f"{threshold:g} at"]
    table = _table([*names, *["predicted"] * halves])
    for entry in entries:
        points = [point for point in entry.points if point.kind == kind]
        row = [str(entry.layer), *(_shown(point.mean, threshold) for point in points)]
        reached = entry.reached[kind]
        row += [_shown(points[-1].doubled, threshold)] if halves else []
        row += ["not reached" if reached is None else str(reached)]
        row += [_count(entry.predicted)] if halves else []
        table.add_row(*row)
    return table


def print_rank(report: RankReport, console: Console) -> None:
    """Tables of spectra, and of AUCs with the first k directions and without them."""
    for heading, entries in by_source(report.ranks):
        console.print(f"\n[bold]{_escaped(heading)}[/]", soft_wrap=True)
        names = ("layer", "1st", "first 4", "effective rank", "participation", "centred: 1st", "eff. rank")
        table = _table(names)
        for entry in entries:
            raw, centred = entry.raw, entry.centred
            table.add_row(
                str(entry.layer),
                f"{100 * raw.shares[0]:.0f}%",
                f"{100 * sum(raw.shares[:4]):.0f}%",
                f"{raw.effective_rank:.1f}",
                f"{raw.participation:.1f}",
                f"{100 * centred.shares[0]:.0f}%",
                f"{centred.effective_rank:.1f}",
            )
        _titled("spread of the pairs' differences", table, console)
        sizes = [str(one.k) for one in entries[0].separation]
        table = _table(("layer", "whole", "need", *sizes))
        for entry in entries:
            cells = [f"{one.first:.2f}" for one in entry.separation]
            table.add_row(str(entry.layer), f"{entry.whole:.3f}", _count(entry.needed), *cells)
        _titled(
            "AUC on pairs left out, with the first k directions; need: the k that does as well",
            table,
            console,
        )
        table = _table(("layer", *sizes))
        for entry in entries:
            table.add_row(str(entry.layer), *(f"{one.rest:.2f}" for one in entry.separation))
        _titled("AUC on pairs left out, of what remains without them", table, console)
        console.print()
        for sentence in rank_verdicts(entries):
            console.print(sentence, markup=False, soft_wrap=True)


def _table(names: Sequence[str]) -> Table:
    table = plain_table()
    for name in names:
        table.add_column(name, justify="right")
    return table


def _titled(title: str, table: Table, console: Console) -> None:
    # a table's own title is folded to its width
    console.print(f"\n{title}", markup=False, soft_wrap=True)
    console.print(table)


def _shown(cosine: float | None, threshold: float) -> str:
    if cosine is None:
        return "-"
    return f"[bold]{cosine:.3f}[/]" if cosine >= threshold else f"{cosine:.3f}"


def _count(number: int | None) -> str:
    return "-" if number is None else str(number)


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)
