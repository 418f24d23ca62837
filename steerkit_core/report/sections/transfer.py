"""Directions of one model in another: source by target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from steerkit_core.report.palette import ink, shade
from steerkit_core.report.record import Entry, RunRecord
from steerkit_core.report.sections.base import Section
from steerkit_core.report.transfer import HEADINGS, excluded_lines, pair_of, transfer_rows


@frozen
class Matrix:
    """Sources down, targets across; every entry is a text and its colours."""

    title: str
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    entries: Mapping[tuple[str, str], tuple[str, str]]


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
    pairs = [(pair_of(entry), entry) for entry in entries]
    sources = tuple(dict.fromkeys(source for (source, _), _ in pairs))
    targets = tuple(dict.fromkeys(target for (_, target), _ in pairs))
    kinds = (
        ("coherent refusals with the transferred direction, and with the target's own", _rate),
        ("transfer efficiency (TE)", _efficiency),
        ("cosine of the two directions", _cosine),
    )
    return [
        Matrix(title, sources, targets, {pair: _cell(*found(entry)) for pair, entry in pairs})
        for title, found in kinds
    ]


def _cell(text: str, share: float | None) -> tuple[str, str]:
    if share is None:
        return text, ""
    colour = shade(share)
    return text, f"background:{colour};color:{ink(colour)}"


def _rate(entry: Entry) -> tuple[str, Any]:
    found, own = entry["transferred"], entry["own"]
    share = found["k"] / found["n"] if found["n"] else None
    return f"{found['k']}/{found['n']} (own {own['k']}/{own['n']})", share


def _efficiency(entry: Entry) -> tuple[str, Any]:
    value = entry["efficiency"]["value"]
    # colours end at 1, where the direction does as well as the target's own
    return ("-", None) if value is None else (f"{value:.2f}", min(float(value), 1.0))


def _cosine(entry: Entry) -> tuple[str, Any]:
    value = entry["cosine"]
    return ("-", None) if value is None else (f"{value:.3f}", (value + 1) / 2)
