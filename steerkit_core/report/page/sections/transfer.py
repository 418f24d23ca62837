"""Directions of one model in another: source by target."""

from __future__ import annotations

from collections.abc import Callable

from steerkit_core.report.charts.figure import Figure
from steerkit_core.report.content.record import RunRecord
from steerkit_core.report.content.transfer import (
    HEADINGS,
    ITSELF,
    efficiency,
    excluded_lines,
    headline,
    interval,
    legend,
    pair_of,
    transfer_rows,
)
from steerkit_core.report.page.matrices import Field, Matrix, field_of, matrix_figures
from steerkit_core.report.page.sections.base import Section
from steerkit_core.results.findings import TransferResult
from steerkit_core.stats.estimate import Rate


def section(run: RunRecord) -> Section | None:
    """None where nothing was transferred, and nothing was left out."""
    rows, excluded = transfer_rows(run.results), excluded_lines(run.results)
    if not rows and not excluded:
        return None
    values = {
        "matrices": matrices(run),
        "rows": rows,
        "headings": HEADINGS,
        "legend": legend(run.results) if rows else "",
        "headline": headline(run.results),
        "excluded": excluded,
    }
    return Section("transfer", "Transfer", values)


def figures(run: RunRecord) -> list[Figure]:
    """The matrices as a figure; none of less than two pairs."""
    return matrix_figures("Directions of one model in another", matrices(run), "target", "source")


def matrices(run: RunRecord) -> list[Matrix]:
    """Rates of refusal, transfer efficiencies and cosines, where there are at least two pairs.

    Sources and targets come in one order, a model with its own direction has the field where they meet, and
    a pair that was left out has one that says so.
    """
    entries = run.results.transfers
    if len(entries) < 2:
        return []
    excluded = run.results.excluded
    pairs = [(_pair(entry), entry) for entry in entries]
    targets = dict.fromkeys([target for (_, target), _ in pairs] + [pair.target for pair in excluded])
    sources = dict.fromkeys([source for (source, _), _ in pairs] + [pair.source for pair in excluded])
    ordered = [name for name in targets if name in sources] + [
        name for name in sources if name not in targets
    ]
    empty = {(pair.source, pair.target): Field("left out", None, "") for pair in excluded}
    found = []
    for title, short, ends, entry_of, own_of in KINDS:
        fields = dict(empty)
        for (_, target), entry in pairs:
            if entry.target in sources:
                fields[entry.target, target] = field_of(*own_of(entry), ends)
        fields |= {pair: field_of(*entry_of(entry), ends) for pair, entry in pairs}
        found.append(Matrix(title, short, tuple(ordered), tuple(targets), ends, fields))
    return found


def _pair(entry: TransferResult) -> tuple[str, str]:
    source, target = pair_of(entry)
    return (source if entry.differs or source != ITSELF else target), target


def _rate(entry: TransferResult) -> tuple[str, float | None]:
    return _share(entry.transferred)


def _own_rate(entry: TransferResult) -> tuple[str, float | None]:
    text, share = _share(entry.own)
    return f"own: {text}", share


def _share(rate: Rate) -> tuple[str, float | None]:
    return f"{rate.k}/{rate.n}", rate.k / rate.n if rate.n else None


def _efficiency(entry: TransferResult) -> tuple[str, float | None]:
    text, ends = efficiency(entry), interval(entry)
    # one that says nothing gets no colour
    value = None if text[0] in "(-" else entry.efficiency.value
    return text if ends == "-" else f"{text} {ends}", value


def _cosine(entry: TransferResult) -> tuple[str, float | None]:
    value = entry.cosine
    return ("-", None) if value is None else (f"{value:.3f}", value)


def _own(_entry: TransferResult) -> tuple[str, float | None]:
    return "own", None


FieldOf = Callable[[TransferResult], tuple[str, float | None]]
# the colours of efficiencies end at 1, where a direction does as well as the target's own
KINDS: tuple[tuple[str, str, tuple[float, float], FieldOf, FieldOf], ...] = (
    (
        "coherent refusals with the source's direction, and where both meet with the target's own",
        "coherent refusals",
        (0.0, 1.0),
        _rate,
        _own_rate,
    ),
    ("transfer efficiency (TE)", "transfer efficiency", (0.0, 1.0), _efficiency, _own),
    ("cosine of the two directions", "cosine", (-1.0, 1.0), _cosine, _own),
)
