"""The directions themselves: how long they are at each layer, and how alike at different ones."""

from __future__ import annotations

import math
from collections.abc import Sequence

from attrs import frozen

from steerkit_core.report.charts.figure import Figure, Panel
from steerkit_core.report.charts.keys import ramp_key
from steerkit_core.report.charts.lines import Line, Point, line_chart
from steerkit_core.report.charts.picture import Picture
from steerkit_core.report.charts.scales import some
from steerkit_core.report.charts.squares import matrix
from steerkit_core.report.content.kept import KeptLayers, kept_layers
from steerkit_core.report.content.record import RunRecord
from steerkit_core.report.page.sections.base import Section
from steerkit_core.results.cells import CellResult

MOST = 4  # extractions: a matrix of 80 layers has 6400 numbers

COLUMNS = 40  # of the table of cosines; of more layers every second one, and so on


@frozen
class Extracted:
    """The directions that a chosen cell was steered with, and their name."""

    name: str
    kept: KeptLayers


def section(run: RunRecord) -> Section | None:
    """None where no chosen cell has directions that were kept."""
    most = run.limit(MOST)
    found, total = extracted(run, most)
    if not found:
        return None
    drawn = [
        {
            "name": one.name,
            "lengths": length_figure(one),
            "layers": [one.kept.layers[place] for place in some(range(len(one.kept.layers)), COLUMNS)],
            "rows": [
                (
                    layer,
                    f"{norm:.4g}",
                    f"{residual:.4g}",
                    [f"{row[place]:.2f}" for place in some(range(len(row)), COLUMNS)],
                )
                for layer, norm, residual, row in zip(
                    one.kept.layers, one.kept.norms, one.kept.residual, one.kept.cosines, strict=True
                )
            ],
            "cosines": cosine_figure(one),
        }
        for one in found
    ]
    return Section("directions", "Directions", {"drawn": drawn, "left_out": total - len(found)})


def length_figures(run: RunRecord) -> list[Figure]:
    """The lengths of a page of this run alone."""
    return [length_figure(one) for one in extracted(run, MOST)[0]]


def cosine_figures(run: RunRecord) -> list[Figure]:
    """The cosines of a page of this run alone."""
    return [cosine_figure(one) for one in extracted(run, MOST)[0]]


def extracted(run: RunRecord, most: int) -> tuple[list[Extracted], int]:
    """The directions of the first `most` extractions of chosen cells, and how many there are."""
    chosen = sorted(
        (cell for cell in run.results.cells if cell.selected and cell.extraction),
        key=lambda cell: cell.id != run.results.selected,
    )
    places = {
        (cell.extraction, cell.position): cell
        for cell in reversed(chosen)
        if cell.extraction is not None and cell.position is not None
    }
    ordered = list(reversed(places.items()))
    found = [
        Extracted(_name(cell), kept)
        for (key, position), cell in ordered[:most]
        if (kept := kept_layers(run.folder, key, position)) is not None
    ]
    return found, len(ordered)


def length_figure(one: Extracted) -> Figure:
    """Lengths over the layers."""
    drawn = (
        ("length of the direction", one.kept.norms),
        ("mean length of the residual stream", one.kept.residual),
    )
    charts = [(name, length_chart(one, name, values)) for name, values in drawn]
    return Figure(one.name, [Panel(chart, name) for name, chart in charts if chart])


def cosine_figure(one: Extracted) -> Figure:
    """Cosines of the directions of every two layers."""
    drawn = matrix(f"Cosines between layers: {one.name}", one.kept.layers, one.kept.cosines)
    return Figure(one.name, [Panel(drawn)], [ramp_key("cosine between layers", "-1", "1")])


def length_chart(one: Extracted, name: str, values: Sequence[float]) -> Picture | None:
    """One of them as a chart, without what is no number; None where nothing is."""
    points = [
        Point(layer, value, hint=f"layer {layer}: {value:.4g}")
        for layer, value in zip(one.kept.layers, values, strict=True)
        if math.isfinite(value)
    ]
    if not points:
        return None
    return line_chart(f"{name}, {one.name}", [Line("", points)], x="layer", y="length", size=(440, 240))


def _name(cell: CellResult) -> str:
    source = "" if cell.source in (None, "self") else f" from {cell.source}"
    quantized = "" if cell.quantization == "none" else f", {cell.quantization}"
    return f"{cell.extractor}{source} in {cell.model}{quantized}, position {cell.position}"
