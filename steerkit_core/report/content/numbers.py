"""What is said of a run's numbers: cosines to unquantized directions, and the residual stream's health."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from steerkit_core.results.findings import QuantizationShift, StreamResult
from steerkit_core.results.results import RunResults


@frozen
class ShiftRow:
    """Quantized directions by name, with (layer, cosine) of those that are numbers."""

    name: str
    entry: QuantizationShift
    cosines: list[tuple[int, float]]


def shift_rows(results: RunResults) -> list[ShiftRow]:
    """How far quantization has turned each set of directions."""
    further = ("extractor", "contrast", "position")
    entries = results.quantization
    return [ShiftRow(name_of(entry, entries, further), entry, _known(entry)) for entry in entries]


def name_of(
    entry: QuantizationShift | StreamResult,
    entries: Sequence[QuantizationShift | StreamResult],
    further: Sequence[str],
) -> str:
    """A column's heading: the model and how it was loaded, and what else is not the same in all."""
    parts = [entry.model]
    parts += [entry.quantization] if entry.quantization != "none" else []
    varying = ("dtype", *further)
    parts += [
        str(getattr(entry, key)) for key in varying if len({getattr(other, key) for other in entries}) > 1
    ]
    return ", ".join(parts)


def _known(entry: QuantizationShift) -> list[tuple[int, float]]:
    pairs = zip(entry.layers, entry.cosines, strict=True)
    return [(layer, cosine) for layer, cosine in pairs if cosine is not None]
