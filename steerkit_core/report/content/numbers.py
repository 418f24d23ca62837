"""What is said of a run's numbers: cosines to unquantized directions, and the residual stream's health."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

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


def name_of(entry: Entry, entries: Sequence[Entry], further: Sequence[str]) -> str:
    """A column's heading: the model and how it was loaded, and what else is not the same in all."""
    parts = [entry["model"]]
    parts += [entry["quantization"]] if entry["quantization"] != "none" else []
    varying = ("dtype", *further)
    parts += [str(entry[key]) for key in varying if len({other[key] for other in entries}) > 1]
    return ", ".join(parts)


def _known(entry: Entry) -> list[tuple[int, float]]:
    pairs = zip(entry["layers"], entry["cosines"], strict=True)
    return [(layer, cosine) for layer, cosine in pairs if cosine is not None]
