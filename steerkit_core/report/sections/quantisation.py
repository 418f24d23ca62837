"""What quantization does to rates and to directions."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from steerkit_core.report.charts.lines import Line, Point, line_chart
from steerkit_core.report.charts.picture import legend
from steerkit_core.report.kept import kept_layers
from steerkit_core.report.numbers import drift_rows
from steerkit_core.report.palette import SERIES
from steerkit_core.report.record import Entry, RunRecord
from steerkit_core.report.sections.base import Section
from steerkit_core.report.sections.cells import columns


def section(run: RunRecord) -> Section | None:
    """None where only one precision was run."""
    chosen = [cell for cell in run.report["cells"] if cell["selected"]]
    found = drift_rows(run.report)
    if not found and len({cell["quantization"] for cell in chosen}) < 2:
        return None
    order = {name: number for number, name in enumerate(("none", "int8", "int4"))}
    chosen.sort(key=lambda cell: (cell["model"], order.get(cell["quantization"], 9)))
    lines = [
        Line(name, [Point(layer, cosine, hint=f"layer {layer}: {cosine:.4f}") for layer, cosine in known])
        for name, _, known in found
        if known
    ]
    norms = [(name, _norms(run, entry)) for name, entry, _ in found]
    layers = sorted({layer for _, entry, _ in found for layer in entry["layers"]})
    values = {
        "table": columns(run, chosen[: run.limit(60)]),
        "chart": _charts(lines),
        "names": [name for name, _, _ in found],
        "layers": layers,
        "cosines": [[_cosine(dict(known).get(layer)) for _, _, known in found] for layer in layers],
        "norms": [[pairs.get(layer, ("", "")) for _, pairs in norms] for layer in layers],
    }
    return Section("quantisation", "Quantization", values)


def _charts(lines: Sequence[Line]) -> Markup:
    """As many lines in one chart as there are colours."""
    parts = []
    for start in range(0, len(lines), len(SERIES)):
        some = lines[start : start + len(SERIES)]
        parts.append(legend([line.name for line in some]))
        title = "Cosine of each layer's direction to the one without quantization"
        parts.append(line_chart(title, some, x="layer", y="cosine", from_zero=False))
    return Markup("").join(parts)


def _norms(run: RunRecord, entry: Entry) -> dict[int, tuple[str, str]]:
    """The direction's length in the quantized model and in the other, by layer."""
    both = [kept_layers(run.folder, entry[key], entry["position"]) for key in ("extraction", "reference")]
    by_layer = [{} if kept is None else dict(zip(kept.layers, kept.norms, strict=True)) for kept in both]
    return {
        layer: (f"{by_layer[0][layer]:.4g}", f"{by_layer[1][layer]:.4g}")
        for layer in by_layer[0]
        if layer in by_layer[1]
    }


def _cosine(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
