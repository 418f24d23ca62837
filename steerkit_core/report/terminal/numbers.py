"""A run's numbers in a terminal: cosines to unquantized directions, and the residual stream's health."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.markup import escape
from rich.table import Table

from steerkit_core.report.content.numbers import Entry, drift_rows, name_of
from steerkit_core.report.terminal.layout import ruled_table


def drift_table(report: Mapping[str, Any], *, lengths: bool = True) -> Table | None:
    """Cosine and length of each layer's direction beside the unquantized one; None where there are none.

    A model's first column has the lengths of its unquantized directions, which are those carried over.
    Without `lengths` there are only the cosines.
    """
    entries = report.get("quantization", ())
    if not entries:
        return None
    table = ruled_table("cosine of each layer's direction to the unquantized one")
    # a run of an earlier version has kept no lengths
    lengths = lengths and all("raw_norms" in entry for entry in entries)
    if lengths:
        table.caption = (
            "beside it the length before normalising; carried over are the unquantized directions"
        )
    table.add_column("layer", no_wrap=True)
    columns: list[tuple[Entry, bool]] = []
    for name, entry, _ in drift_rows(report):
        if lengths and not any(
            entry["reference"] == other["reference"] and entry["position"] == other["position"]
            for other, _ in columns
        ):
            table.add_column(escape(_unquantized(name, entry)), justify="right", overflow="fold")
            columns.append((entry, True))
        table.add_column(escape(name), justify="right", overflow="fold")
        columns.append((entry, False))
    for layer in sorted({layer for entry in entries for layer in entry["layers"]}):
        found = [_drift(entry, layer, reference=own) for entry, own in columns]
        table.add_row(str(layer), *("  ".join(one if lengths else one[:1]) for one in found))
    return table


def _unquantized(name: str, entry: Entry) -> str:
    return name.replace(f", {entry['quantization']}", ", unquantized", 1)


def _drift(entry: Entry, layer: int, *, reference: bool) -> list[str]:
    """The cosine, and the length where it is kept; of the unquantized direction its length alone."""
    if layer not in entry["layers"]:
        return []
    index = entry["layers"].index(layer)
    if reference:
        return [_given(entry["reference_raw_norms"][index], "{:#.4g}")]
    kept = entry["raw_norms"][index : index + 1] if "raw_norms" in entry else []
    return [_given(entry["cosines"][index], "{:.4f}"), *(_given(length, "{:#.4g}") for length in kept)]


def _given(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value).rstrip(".")


def health_table(report: Mapping[str, Any]) -> Table | None:
    """The residual stream layer by layer; None for a run that has not measured it."""
    entries = report.get("health", ())
    if not entries:
        return None
    table = ruled_table(
        "residual stream on the neutral prompts: mean and largest length; beyond float16; not finite"
    )
    table.add_column("layer", no_wrap=True)
    for entry in entries:
        table.add_column(escape(name_of(entry, entries, ("prompts",))), justify="right", overflow="fold")
    for layer in range(max(len(entry["norm_mean"]) for entry in entries)):
        table.add_row(
            str(layer),
            *(_health(entry, layer) if layer < len(entry["norm_mean"]) else "" for entry in entries),
        )
    return table


def _health(entry: Entry, layer: int) -> str:
    mean, largest = (entry[key][layer] for key in ("norm_mean", "norm_max"))
    text = "-" if mean is None else f"{mean:.4g} {largest:.4g}"
    if entry["overflow"][layer]:
        text += f" [yellow]{100 * entry['overflow'][layer]:.2g}%[/]"
    if entry["nonfinite"][layer]:
        text += f" [red]{entry['nonfinite'][layer]} not finite[/]"
    return text
