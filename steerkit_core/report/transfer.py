"""The table of a transfer: every pair of models, with what it does beside the target's own direction."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from rich.markup import escape
from rich.table import Table

from steerkit_core.report.layout import ruled_table

Entry = Mapping[str, Any]
OPTIONAL = ("mult.", "cosine", "layer")  # columns that a narrow terminal does without
NARROWEST = 8  # columns of a model's name
WORDS = ("source", "target")
ITSELF = "itself"  # the source that is the target
HEADINGS = ("layer", "mult.", "refusal", "own", "TE", "95% CI", "cosine")


def transfer_rows(report: Entry) -> list[tuple[tuple[str, str], tuple[str, ...]]]:
    """Each transfer as (source and target in words, its columns)."""
    return [(pair_of(entry), _columns(entry)) for entry in report.get("transfers", ())]


def excluded_lines(report: Entry) -> list[str]:
    """The pairs that were left out, and why."""
    return [
        f"{entry['source']} \u2192 {entry['target']}: left out, {entry['reason']}"
        for entry in report.get("excluded", ())
    ]


def transfer_table(report: Entry, left_out: Collection[str] = ()) -> Table | None:
    """Transfer efficiency of every pair; None where nothing was transferred.

    `left_out` names columns that there is no room for, see `OPTIONAL`.
    """
    rows = transfer_rows(report)
    if not rows:
        return None
    table = ruled_table(
        title="transfer: directions of one model in another, at the same relative depth",
        caption="layer: the source's and the target's; refusal: with the transferred direction; own: with"
        " the target's; TE: the one by the other, its interval from prompts drawn anew for both; cosine of"
        " the two directions",
    )
    shown = [place for place, heading in enumerate(HEADINGS) if heading not in left_out]
    for heading in WORDS:
        table.add_column(heading, overflow="fold", min_width=NARROWEST)
    for place in shown:
        table.add_column(HEADINGS[place], justify="right", no_wrap=True)
    for pair, columns in rows:
        table.add_row(*map(escape, pair), *(columns[place] for place in shown))
    return table


def pair_of(entry: Entry) -> tuple[str, str]:
    """Source and target in words."""
    source = ITSELF if not entry["differs"] else entry["source"]
    source += f" ({entry['run']})" if entry["run"] else ""
    source += "" if entry["map"] == "none" else f", {entry['map']} map"
    return source, entry["target"] + (
        "" if entry["quantization"] == "none" else f", {entry['quantization']}"
    )


def _columns(entry: Entry) -> tuple[str, ...]:
    found = entry["efficiency"]
    layers = f"{'?' if entry['source_layer'] is None else entry['source_layer']} \u2192 {entry['layer']}"
    layers += "" if entry["own_layer"] == entry["layer"] else f" (own {entry['own_layer']})"
    return (
        layers,
        "-" if entry["multiplier"] is None else f"{entry['multiplier']:g}",
        *(f"{entry[arm]['k']}/{entry[arm]['n']}" for arm in ("transferred", "own")),
        "-" if found["value"] is None else f"{found['value']:.2f}",
        "-"
        if found["low"] is None or found["degenerate"]
        else f"{_end(found['low'])}-{_end(found['high'])}",
        "-" if entry["cosine"] is None else f"{entry['cosine']:.3f}",
    )


def _end(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.2f}"
