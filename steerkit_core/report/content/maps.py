"""Cells that differ in layer and multiplier only, as a map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from steerkit_core.counting.windows import ALIKE

# columns that are shown where they are not the same in all steered cells
VARYING = (
    "model",
    "quantization",
    "dtype",
    "extractor",
    "source",
    "selector",
    "site",
    "unit",
    "position",
    "classifier",
)
# what goes without saying in a title
USUAL = ("none", "None", "self", "position -1")


def in_words(key: str, value: object) -> str:
    """A column's value as a title has it."""
    return f"position {value}" if key == "position" and value is not None else str(value)


def ended_early(cell: Mapping[str, Any]) -> bool:
    """Whether a selector saw enough of a cell before it was tried on all of its prompts."""
    asked = cell["n"] + cell["failed"]
    # a run of an earlier version does not say how many there are: it knew whole cells only
    return bool(asked < cell.get("prompts_total", asked))


@frozen
class Family:
    """Cells by (layer, multiplier), alike in all else; None stands for a site without a multiplier."""

    title: str
    cells: Mapping[tuple[int, float | None], Mapping[str, Any]]
    axis: str = "multiplier"


@frozen
class Map:
    """Cells by (layer, multiplier), all of one model, extractor, site, classifier and prompt set.

    Where multipliers were searched their targets stand for them; `axis` says what they are.
    """

    title: str
    layers: tuple[int, ...]
    multipliers: tuple[float, ...]
    cells: Mapping[tuple[int, float], Mapping[str, Any]]
    axis: str = "multiplier"

    def row(self, layer: int) -> list[Mapping[str, Any]]:
        """The cells of one layer."""
        return [cell for (own, _), cell in self.cells.items() if own == layer]

    def column(self, multiplier: float) -> list[Mapping[str, Any]]:
        """The cells of one multiplier."""
        return [cell for (_, own), cell in self.cells.items() if own == multiplier]


def maps(report: Mapping[str, Any]) -> list[Map]:
    """Where at least two layers and two multipliers, or three of either, were tried: a map of them."""
    found: list[Map] = []
    for family in families(report):
        cells = {(layer, by): cell for (layer, by), cell in family.cells.items() if by is not None}
        layers = tuple(sorted({layer for layer, _ in cells}))
        multipliers = tuple(sorted({multiplier for _, multiplier in cells}))
        if len(layers) * len(multipliers) >= 3:
            found.append(Map(family.title, layers, multipliers, cells, family.axis))
    return found


def families(report: Mapping[str, Any]) -> list[Family]:
    """The steered cells, by all that they have in common but layer and strength."""
    grouped: dict[tuple[str, ...], dict[tuple[int, float | None], Mapping[str, Any]]] = {}
    for cell in report["cells"]:
        if cell["role"] == "steered" and cell["layer"] is not None:
            # a run of an earlier version has searched for none
            searched = cell.get("calibration")
            key = (_axis(searched), *(in_words(name, cell.get(name)) for name in ALIKE))
            column = cell["multiplier"] if searched is None else searched["target"]
            grouped.setdefault(key, {})[cell["layer"], column] = cell
    return [
        Family(", ".join(part for part in same if part not in USUAL), cells, axis)
        for (axis, *same), cells in grouped.items()
    ]


def _axis(searched: Mapping[str, Any] | None) -> str:
    return "multiplier" if searched is None else "KL in nats"
