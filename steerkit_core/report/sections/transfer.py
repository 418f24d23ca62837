"""Directions of one model in another: source by target."""

from __future__ import annotations

from collections.abc import Callable

from steerkit_core.report.matrices import Matrix, field_of
from steerkit_core.report.record import Entry, RunRecord
from steerkit_core.report.sections.base import Section
from steerkit_core.report.transfer import HEADINGS, ITSELF, excluded_lines, pair_of, transfer_rows


def section(run: RunRecord) -> Section | None:
    """None where nothing was transferred, and nothing was left out."""
    rows, excluded = transfer_rows(run.report), excluded_lines(run.report)
    if not rows and not excluded:
        return None
    values = {"matrices": matrices(run), "rows": rows, "headings": HEADINGS, "excluded": excluded}
    return Section("transfer", "Transfer", values)


def matrices(run: RunRecord) -> list[Matrix]:
    """Rates of refusal, transfer efficiencies and cosines, where there are at least two pairs."""
    entries = run.report.get("transfers", ())
    if len(entries) < 2:
        return []
    # a model's own directions stand in its own row, so that equal names are the diagonal
    pairs = [(_pair(entry), entry) for entry in entries]
    targets = tuple(dict.fromkeys(target for (_, target), _ in pairs))
    found_in = dict.fromkeys(source for (source, _), _ in pairs)
    sources = (
        *(one for one in targets if one in found_in),
        *(one for one in found_in if one not in targets),
    )
    found = []
    for title, short, ends, entry_of in KINDS:
        fields = {pair: field_of(*entry_of(entry), ends) for pair, entry in pairs}
        found.append(Matrix(title, short, sources, targets, ends, fields))
    return found


def _pair(entry: Entry) -> tuple[str, str]:
    source, target = pair_of(entry)
    return (source if entry["differs"] or source != ITSELF else target), target


def _rate(entry: Entry) -> tuple[str, float | None]:
    found, own = entry["transferred"], entry["own"]
    share = found["k"] / found["n"] if found["n"] else None
    return f"{found['k']}/{found['n']} (own {own['k']}/{own['n']})", share


def _efficiency(entry: Entry) -> tuple[str, float | None]:
    value = entry["efficiency"]["value"]
    return ("-", None) if value is None else (f"{value:.2f}", float(value))


def _cosine(entry: Entry) -> tuple[str, float | None]:
    value = entry["cosine"]
    return ("-", None) if value is None else (f"{value:.3f}", float(value))


# the colours of efficiencies end at 1, where a direction does as well as the target's own
KINDS: tuple[tuple[str, str, tuple[float, float], Callable[[Entry], tuple[str, float | None]]], ...] = (
    (
        "coherent refusals with the transferred direction, and with the target's own",
        "coherent refusals",
        (0.0, 1.0),
        _rate,
    ),
    ("transfer efficiency (TE)", "transfer efficiency", (0.0, 1.0), _efficiency),
    ("cosine of the two directions", "cosine", (-1.0, 1.0), _cosine),
)
