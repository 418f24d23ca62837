"""Curves as SVG and PNG, by matplotlib, which is an extra and may be missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from steerkit_core.report.figures.saving import drawable, save_figure
from steerkit_core.report.stability import TITLES, by_source

MISSING = (
    "no curves were drawn, as matplotlib is not installed: install it with `pip install"
    " 'steerkit-core[plots]'` and give the same command again"
)
# told apart with every common kind of colour blindness, and in print without colours
PALETTE = "cividis"


@frozen
class Drawn:
    """The files that were written, or why there are none."""

    files: tuple[Path, ...] = ()
    missing: str = ""


def draw_stability(report: Mapping[str, Any], folder: Path) -> Drawn:
    """Draw mean cosine over size, a panel for each kind and a line for each layer.

    One figure for each model, extractor, contrast set and position, each as SVG and as PNG.
    """
    if not drawable():
        return Drawn(missing=MISSING)
    groups = list(by_source(report["curves"]))
    files: list[Path] = []
    for number, (heading, entries) in enumerate(groups, start=1):
        stem = "stability" if len(groups) == 1 else f"stability-{number}"
        files += _draw(heading, entries, report["threshold"], folder / stem)
    return Drawn(tuple(files))


def _draw(heading: str, entries: Sequence[Mapping[str, Any]], threshold: float, stem: Path) -> list[Path]:
    # the figure's own object and no pyplot, whose state is the process's
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure

    kinds = [kind for kind in TITLES if kind in entries[0]["reached"]]
    figure = Figure(figsize=(4.2 * len(kinds) + 1, 3.6), layout="constrained")
    panels = figure.subplots(1, len(kinds), sharey=True, squeeze=False)[0]
    layers = [entry["layer"] for entry in entries]
    shades = ScalarMappable(Normalize(min(layers), max(*layers, min(layers) + 1)), PALETTE)
    for panel, kind in zip(panels, kinds, strict=True):
        for entry in entries:
            points = [p for p in entry["points"] if p["kind"] == kind and p["mean"] is not None]
            panel.plot(
                [point["size"] for point in points],
                [point["mean"] for point in points],
                color=shades.to_rgba(entry["layer"]),
                marker="o",
                markersize=3,
                linewidth=1.2,
            )
        sizes = [point["size"] for point in entries[0]["points"] if point["kind"] == kind]
        panel.set_xscale("log", base=2)
        panel.set_xticks(sizes, [str(size) for size in sizes])
        panel.minorticks_off()
        panel.axhline(threshold, color="black", linestyle="--", linewidth=0.8)
        panel.set_title(TITLES[kind], fontsize=9)
        panel.set_xlabel("prompts of each class")
        panel.grid(alpha=0.25)
    panels[0].set_ylabel("mean cosine")
    figure.suptitle(heading, fontsize=10)
    figure.colorbar(shades, ax=list(panels), label="layer")
    return save_figure(figure, stem)
