"""What quantization does to rates and to directions."""

from __future__ import annotations

from collections.abc import Sequence

from steerkit_core.report.charts.figure import Figure, Panel
from steerkit_core.report.charts.keys import line_keys
from steerkit_core.report.charts.lines import Line, Point, line_chart
from steerkit_core.report.charts.palette import SERIES
from steerkit_core.report.content.kept import kept_layers
from steerkit_core.report.content.maps import in_words
from steerkit_core.report.content.numbers import shift_rows
from steerkit_core.report.content.percent import interval
from steerkit_core.report.content.record import RunRecord
from steerkit_core.report.page.matrices import Field, Matrix, field_of, matrix_figures
from steerkit_core.report.page.sections.base import Section
from steerkit_core.report.page.sections.cells import columns
from steerkit_core.results.cells import CellResult
from steerkit_core.results.findings import QuantizationShift

ORDER = ("none", "int8", "int4")


def section(run: RunRecord) -> Section | None:
    """None where only one precision was run."""
    chosen = [cell for cell in run.results.cells if cell.selected]
    found = shift_rows(run.results)
    if not found and len({cell.quantization for cell in chosen}) < 2:
        return None
    chosen.sort(key=lambda cell: (cell.model, _precision(cell.quantization)))
    norms = [_norms(run, row.entry) for row in found]
    layers = sorted({layer for row in found for layer in row.entry.layers})
    values = {
        "matrices": matrices(run),
        "table": columns(run, chosen[: run.limit(60)]),
        "figures": shift_figures(run),
        "names": [row.name for row in found],
        "layers": layers,
        "cosines": [[_cosine(dict(row.cosines).get(layer)) for row in found] for layer in layers],
        "norms": [[pairs.get(layer, ("", "")) for pairs in norms] for layer in layers],
    }
    return Section("quantization", "Quantization", values)


def figures(run: RunRecord) -> list[Figure]:
    """The matrices as a figure; none of one precision."""
    return matrix_figures("Chosen cells by precision", matrices(run), "precision", "")


def matrices(run: RunRecord) -> list[Matrix]:
    """Rates, and cosines at the steered layer, by what was steered and precision; none of one precision."""
    chosen = [cell for cell in run.results.cells if cell.selected and cell.rates.get("refusal")]
    columns = tuple(sorted({cell.quantization for cell in chosen}, key=_precision))
    if len(columns) < 2:
        return []
    varying = [name for name in ("model", *run.varying) if name not in ("quantization", "dtype")]
    # where configurations differ in what is no column of a cell, the first one stands there
    cells = {(_words(cell, varying), cell.quantization): cell for cell in reversed(chosen)}
    rows = tuple(dict.fromkeys(_words(cell, varying) for cell in chosen))
    rates = {place: _rate(cell) for place, cell in cells.items()}
    cosines = {place: cosine for place, cell in cells.items() if (cosine := _same_direction(run, cell))}
    titles = ("coherent refusals with 95% interval, by precision", "coherent refusals")
    found = [Matrix(*titles, rows, columns, (0.0, 1.0), rates)]
    if any(cosine.value is not None for cosine in cosines.values()):
        title = "cosine to the direction of the unquantized model, at the steered layer"
        found.append(Matrix(title, "cosine", rows, columns, (-1.0, 1.0), cosines))
    return found


def _precision(name: str) -> int:
    return ORDER.index(name) if name in ORDER else len(ORDER)


def _words(cell: CellResult, varying: Sequence[str]) -> str:
    names = dict.fromkeys(varying)
    strength = "" if cell.multiplier is None else f", multiplier {cell.multiplier:g}"
    found = [in_words(name, getattr(cell, name)) for name in names]
    return ", ".join([*found, f"layer {cell.layer}{strength}"])


def _rate(cell: CellResult) -> Field:
    rate = cell.rates["refusal"]
    if cell.failure or not rate.n:
        return Field("failed", None, "")
    return field_of(f"{rate.k}/{rate.n}, {interval(rate)}", rate.rate, (0.0, 1.0))


def _same_direction(run: RunRecord, cell: CellResult) -> Field | None:
    """How like the unquantized direction a cell's is; None where nothing was compared."""
    if cell.source == "unquantized" and cell.quantization != "none":
        return Field("reused", None, "")
    for entry in run.results.quantization:
        same = (entry.extraction, entry.position) == (cell.extraction, cell.position)
        if same and cell.layer in entry.layers:
            cosine = entry.cosines[entry.layers.index(cell.layer)]
            return None if cosine is None else field_of(f"{cosine:.4f}", cosine, (-1.0, 1.0))
    return None


def shift_figures(run: RunRecord) -> list[Figure]:
    """Cosines by layer, as many lines in one chart as there are colors."""
    lines = [
        Line(
            row.name,
            [Point(layer, cosine, hint=f"layer {layer}: {cosine:.4f}") for layer, cosine in row.cosines],
        )
        for row in shift_rows(run.results)
        if row.cosines
    ]
    title = "Cosine of each layer's direction to the one without quantization"
    axis = "cosine to the unquantized direction"
    panels = []
    every = [point.y for line in lines for point in line.points]
    for start in range(0, len(lines), len(SERIES)):
        some = lines[start : start + len(SERIES)]
        chart = line_chart(title, some, x="layer", y=axis, from_zero=False, beside=every)
        panels.append(Panel(chart, keys=line_keys([line.name for line in some])))
    return [Figure(title, panels, across=1)] if panels else []


def _norms(run: RunRecord, entry: QuantizationShift) -> dict[int, tuple[str, str]]:
    """The direction's length in the quantized model and in the other, by layer."""
    both = [kept_layers(run.folder, key, entry.position) for key in (entry.extraction, entry.reference)]
    by_layer = [{} if kept is None else dict(zip(kept.layers, kept.norms, strict=True)) for kept in both]
    return {
        layer: (f"{by_layer[0][layer]:.4g}", f"{by_layer[1][layer]:.4g}")
        for layer in by_layer[0]
        if layer in by_layer[1]
    }


def _cosine(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
