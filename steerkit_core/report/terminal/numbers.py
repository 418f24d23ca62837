"""A run's numbers in a terminal: cosines to unquantized directions, and the residual stream's health."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table

from steerkit_core.report.content.numbers import name_of, shift_rows
from steerkit_core.report.terminal.layout import ruled_table
from steerkit_core.results.findings import QuantizationShift, StreamResult
from steerkit_core.results.results import RunResults


def shift_table(results: RunResults, *, lengths: bool = True) -> Table | None:
    """Cosine and length of each layer's direction beside the unquantized one; None where there are none.

    A model's first column has the lengths of its unquantized directions, which are those that are reused.
    Without `lengths` there are only the cosines.
    """
    entries = results.quantization
    if not entries:
        return None
    table = ruled_table("cosine of each layer's direction to the unquantized one")
    # a run of an earlier version has kept no lengths
    lengths = lengths and all(entry.raw_norms for entry in entries)
    if lengths:
        table.caption = "next to it the length before normalizing; unquantized: in full precision"
    table.add_column("layer", no_wrap=True)
    columns: list[tuple[QuantizationShift, bool]] = []
    for row in shift_rows(results):
        name, entry = row.name, row.entry
        if lengths and not any(
            entry.reference == other.reference and entry.position == other.position for other, _ in columns
        ):
            table.add_column(escape(_unquantized(name, entry)), justify="right", overflow="fold")
            columns.append((entry, True))
        table.add_column(escape(name), justify="right", overflow="fold")
        columns.append((entry, False))
    for layer in sorted({layer for entry in entries for layer in entry.layers}):
        found = [_shift(entry, layer, reference=own) for entry, own in columns]
        table.add_row(str(layer), *("  ".join(one if lengths else one[:1]) for one in found))
    return table


def _unquantized(name: str, entry: QuantizationShift) -> str:
    return name.replace(f", {entry.quantization}", ", unquantized", 1)


def _shift(entry: QuantizationShift, layer: int, *, reference: bool) -> list[str]:
    """The cosine, and the length where it is kept; of the unquantized direction its length alone."""
    if layer not in entry.layers:
        return []
    index = entry.layers.index(layer)
    if reference:
        return [_given(entry.reference_raw_norms[index], "{:#.4g}")]
    kept = entry.raw_norms[index : index + 1]
    return [_given(entry.cosines[index], "{:.4f}"), *(_given(length, "{:#.4g}") for length in kept)]


def _given(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value).rstrip(".")


def health_table(results: RunResults) -> Table | None:
    """The residual stream layer by layer; None for a run that did not measure it."""
    entries = results.health
    if not entries:
        return None
    table = ruled_table(
        "residual stream on the neutral prompts: mean and largest length; beyond float16; not finite"
    )
    table.add_column("layer", no_wrap=True)
    for entry in entries:
        table.add_column(escape(name_of(entry, entries, ("prompts",))), justify="right", overflow="fold")
    for layer in range(max(len(entry.norm_mean) for entry in entries)):
        table.add_row(
            str(layer),
            *(_health(entry, layer) if layer < len(entry.norm_mean) else "" for entry in entries),
        )
    return table


def _health(entry: StreamResult, layer: int) -> str:
    mean, largest = entry.norm_mean[layer], entry.norm_max[layer]
    text = "-" if mean is None or largest is None else f"{mean:.4g} {largest:.4g}"
    if overflow := entry.overflow[layer]:
        text += f" [yellow]{100 * overflow:.2g}%[/]"
    if entry.nonfinite[layer]:
        text += f" [red]{entry.nonfinite[layer]} not finite[/]"
    return text
