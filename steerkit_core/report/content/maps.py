"""Cells that differ in layer and multiplier only, as a map."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from steerkit_core.counting.windows import ALIKE
from steerkit_core.results.cells import CellCalibration, CellResult
from steerkit_core.results.results import RunResults

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


def ended_early(cell: CellResult) -> bool:
    """Whether a selector saw enough of a cell before it was tried on all of its prompts."""
    return cell.rows < cell.prompts_total


@frozen
class Family:
    """Cells by (layer, multiplier), alike in all else; None stands for a site without a multiplier."""

    title: str
    cells: Mapping[tuple[int, float | None], CellResult]
    axis: str = "multiplier"


@frozen
class Map:
    """Cells by (layer, multiplier), all of one model, extractor, site, classifier and prompt set.

    Where multipliers were searched their targets stand for them; `axis` says what they are.
    """

    title: str
    layers: tuple[int, ...]
    multipliers: tuple[float, ...]
    cells: Mapping[tuple[int, float], CellResult]
    axis: str = "multiplier"

    def row(self, layer: int) -> list[CellResult]:
        """The cells of one layer."""
        return [cell for (own, _), cell in self.cells.items() if own == layer]

    def column(self, multiplier: float) -> list[CellResult]:
        """The cells of one multiplier."""
        return [cell for (_, own), cell in self.cells.items() if own == multiplier]


def maps(results: RunResults) -> list[Map]:
    """Where at least two layers and two multipliers, or three of either, were tried: a map of them."""
    found: list[Map] = []
    for family in families(results):
        cells = {(layer, by): cell for (layer, by), cell in family.cells.items() if by is not None}
        layers = tuple(sorted({layer for layer, _ in cells}))
        multipliers = tuple(sorted({multiplier for _, multiplier in cells}))
        if len(layers) * len(multipliers) >= 3:
            found.append(Map(family.title, layers, multipliers, cells, family.axis))
    return found


def families(results: RunResults) -> list[Family]:
    """The steered cells, by all that they have in common but layer and strength."""
    grouped: dict[tuple[str, ...], dict[tuple[int, float | None], CellResult]] = {}
    for cell in results.cells:
        if cell.role == "steered" and cell.layer is not None:
            searched = cell.calibration
            key = (_axis(searched), *(in_words(name, getattr(cell, name)) for name in ALIKE))
            column = cell.multiplier if searched is None else searched.target
            grouped.setdefault(key, {})[cell.layer, column] = cell
    return [
        Family(", ".join(part for part in same if part not in USUAL), cells, axis)
        for (axis, *same), cells in grouped.items()
    ]


def _axis(searched: CellCalibration | None) -> str:
    return "multiplier" if searched is None else "KL in nats"
