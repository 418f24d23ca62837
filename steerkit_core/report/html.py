"""`report.html`: one self-contained page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

import jinja2
from attrs import frozen


@frozen
class Map:
    """Refusals over layers and multipliers, for one model, site and prompt set."""

    title: str
    layers: tuple[int, ...]
    multipliers: tuple[float, ...]
    cells: Mapping[tuple[int, float], Mapping[str, Any]]


def render_html(
    report: Mapping[str, Any], manifest: Mapping[str, Any], texts: Mapping[str, Sequence[Mapping[str, str]]]
) -> str:
    """The page.

    Args:
        report: what `results.json` holds.
        manifest: what `manifest.json` holds.
        texts: completions to show in full, by cell.
    """
    source = files("steerkit_core.report").joinpath("page.html.jinja").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    labels = list(dict.fromkeys(label for cell in report["cells"] for label in cell["counts"]))
    return environment.from_string(source).render(
        report=report, manifest=manifest, texts=texts, labels=labels, maps=maps(report)
    )


def maps(report: Mapping[str, Any]) -> list[Map]:
    """Where at least two layers and two multipliers, or three of either, were tried: a map of them."""
    grouped: dict[tuple[str, ...], dict[tuple[int, float], Mapping[str, Any]]] = {}
    for cell in report["cells"]:
        if cell["role"] == "steered" and cell["multiplier"] is not None:
            key = tuple(
                str(cell[name])
                for name in ("model", "quantization", "extractor", "site", "unit", "prompts")
            )
            grouped.setdefault(key, {})[cell["layer"], cell["multiplier"]] = cell
    found: list[Map] = []
    for key, cells in grouped.items():
        layers = tuple(sorted({layer for layer, _ in cells}))
        multipliers = tuple(sorted({multiplier for _, multiplier in cells}))
        if len(layers) * len(multipliers) >= 3:
            title = ", ".join(part for part in key if part not in ("none", "None"))
            found.append(Map(title, layers, multipliers, cells))
    return found
