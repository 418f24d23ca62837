"""Refusal, garbled and normal by layer and multiplier."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from steerkit_core.counting.windows import ALIKE
from steerkit_core.report.charts.figure import Figure, Panel
from steerkit_core.report.charts.keys import ramp_key
from steerkit_core.report.charts.palette import label_colour
from steerkit_core.report.charts.squares import Axis, squares
from steerkit_core.report.content.maps import Map, ended_early, maps
from steerkit_core.report.content.record import RunRecord
from steerkit_core.report.page.sections.base import Section
from steerkit_core.results.cells import CellResult

MOST = 12  # maps
DRAWN = ("refusal", "garbled", "normal")
# a layer and a multiplier
Place = tuple[int | None, float | None]
WIDEST, HIGHEST = 480, 840  # pixels of a panel


def section(run: RunRecord) -> Section | None:
    """None where too little was swept for a map."""
    found = maps(run.results)
    if not found:
        return None
    shown = found[: run.limit(MOST)]
    drawn = [{"map": one, "rows": rows(one, chosen_place(run, one))} for one in shown]
    labels = dict.fromkeys(label for one in shown for cell in one.cells.values() for label in cell.counts)
    values = {
        "drawn": drawn,
        "labels": [(label, label_colour(label)) for label in labels],
        "left_out": len(found) - len(shown),
        "early": any(ended_early(cell) for one in shown for cell in one.cells.values()),
    }
    return Section("layer_map", "Refusal, garbled and normal by layer and multiplier", values)


def figures(run: RunRecord) -> list[Figure]:
    """The maps of a page of this run alone, a panel for each label."""
    return [_figure(one) for one in maps(run.results)[:MOST]]


def _figure(found: Map) -> Figure:
    rows = Axis("layer", [str(layer) for layer in found.layers], min(26, HIGHEST / len(found.layers)))
    width = min(40, WIDEST / len(found.multipliers))
    columns = Axis(found.axis, [f"{by:g}" for by in found.multipliers], width)
    panels = [
        Panel(
            squares(
                f"Share of {label} completions: {found.title}",
                [[_share(found, layer, by, label) for by in found.multipliers] for layer in found.layers],
                rows,
                columns,
                ends=(0.0, 1.0),
                form="{:.0%}",
            ),
            label,
        )
        for label in DRAWN
    ]
    return Figure(found.title, panels, [ramp_key("share of completions", "0%", "100%")])


def _share(found: Map, layer: int, by: float, label: str) -> float | None:
    cell = found.cells.get((layer, by))
    if cell is None or not cell.n or cell.failure:
        return None
    return cell.counts.get(label, 0) / cell.n


def chosen_place(run: RunRecord, found: Map) -> Place | None:
    """Layer and strength of the run's own choice, on these prompts or on others; None for another map."""
    like, chosen = next(iter(found.cells.values())), run.chosen
    alike = [name for name in ALIKE if name not in ("prompts", "unit")]
    if chosen is None or any(getattr(chosen, name) != getattr(like, name) for name in alike):
        return None
    return chosen.layer, chosen.multiplier


@frozen(kw_only=True)
class MapField:
    """A field of a map: counts of a cell, and a bar of all its labels as a CSS gradient."""

    id: str
    known: bool
    selected: bool
    n: int
    refusal: int
    garbled: int
    words: str
    bar: str


def rows(found: Map, chosen: Place | None = None) -> list[tuple[int, Sequence[MapField | None]]]:
    """Each layer with what stands below each multiplier; None where nothing was tried."""
    return [
        (layer, [_field(found.cells.get((layer, by)), chosen) for by in found.multipliers])
        for layer in found.layers
    ]


def _field(cell: CellResult | None, chosen: Place | None) -> MapField | None:
    if cell is None:
        return None
    known = bool(cell.n) and not cell.failure
    counts = [(label, count) for label, count in cell.counts.items() if count] if known else []
    ends, done = [], 0.0
    for label, count in counts:
        start, done = done, done + 100 * count / cell.n
        ends.append(f"{label_colour(label)} {start:.4g}% {done:.4g}%")
    return MapField(
        id=cell.id,
        known=known,
        selected=(cell.layer, cell.multiplier) == chosen,
        n=cell.n,
        refusal=cell.counts.get("refusal", 0),
        garbled=cell.counts.get("garbled", 0),
        words=", ".join(f"{count} {label}" for label, count in cell.counts.items()),
        bar=f"linear-gradient(90deg,{','.join(ends)})" if ends else "",
    )
