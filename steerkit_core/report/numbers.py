"""What is said of a run's numbers: cosines to unquantized directions, and the residual stream's health."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE
from rich.markup import escape
from rich.table import Table

Entry = Mapping[str, Any]


def drift_rows(report: Mapping[str, Any]) -> list[tuple[str, Entry, list[tuple[int, float]]]]:
    """Each comparison as (its name, its entry, (layer, cosine) of those that are numbers)."""
    return [
        (
            name_of(entry, report["quantization"], ("extractor", "contrast", "position")),
            entry,
            _known(entry),
        )
        for entry in report.get("quantization", ())
    ]


def drift_table(report: Mapping[str, Any]) -> Table | None:
    """Cosine of each layer's direction to the unquantized one; None where nothing was compared."""
    entries = report.get("quantization", ())
    if not entries:
        return None
    table = _table("cosine of each layer's direction to the unquantized one")
    table.add_column("layer", no_wrap=True)
    for name, _, _ in drift_rows(report):
        table.add_column(escape(name), justify="right")
    for layer in sorted({layer for entry in entries for layer in entry["layers"]}):
        found = (dict(zip(entry["layers"], entry["cosines"], strict=True)).get(layer) for entry in entries)
        table.add_row(str(layer), *("-" if cosine is None else f"{cosine:.4f}" for cosine in found))
    return table


def health_table(report: Mapping[str, Any]) -> Table | None:
    """The residual stream layer by layer; None for a run that has not measured it."""
    entries = report.get("health", ())
    if not entries:
        return None
    table = _table(
        "residual stream on the neutral prompts: mean and largest length; beyond float16; not finite"
    )
    table.add_column("layer", no_wrap=True)
    for entry in entries:
        table.add_column(escape(name_of(entry, entries, ("prompts",))), justify="right")
    for layer in range(max(len(entry["norm_mean"]) for entry in entries)):
        table.add_row(
            str(layer),
            *(_health(entry, layer) if layer < len(entry["norm_mean"]) else "" for entry in entries),
        )
    return table


def name_of(entry: Entry, entries: Sequence[Entry], further: Sequence[str]) -> str:
    """A column's heading: the model and how it was loaded, and what else is not the same in all."""
    parts = [entry["model"]]
    parts += [entry["quantization"]] if entry["quantization"] != "none" else []
    varying = ("dtype", *further)
    parts += [str(entry[key]) for key in varying if len({other[key] for other in entries}) > 1]
    return ", ".join(parts)


def _health(entry: Entry, layer: int) -> str:
    mean, largest = (entry[key][layer] for key in ("norm_mean", "norm_max"))
    text = "-" if mean is None else f"{mean:.4g} {largest:.4g}"
    if entry["overflow"][layer]:
        text += f" [yellow]{100 * entry['overflow'][layer]:.2g}%[/]"
    if entry["nonfinite"][layer]:
        text += f" [red]{entry['nonfinite'][layer]} not finite[/]"
    return text


def _known(entry: Entry) -> list[tuple[int, float]]:
    pairs = zip(entry["layers"], entry["cosines"], strict=True)
    return [(layer, cosine) for layer, cosine in pairs if cosine is not None]


def _table(title: str) -> Table:
    return Table(
        title=title,
        title_justify="left",
        title_style="bold",
        header_style="bold",
        box=SIMPLE,
        padding=(0, 1),
    )
