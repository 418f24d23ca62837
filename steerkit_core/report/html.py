"""`report.html`: one self-contained page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

import jinja2

from steerkit_core.report.evidence import (
    HEADINGS,
    comparison_rows,
    control_lines,
    luck_line,
    marked,
)
from steerkit_core.report.maps import VARYING, ended_early, maps
from steerkit_core.report.numbers import drift_rows, name_of
from steerkit_core.report.prompts import audit_lines
from steerkit_core.report.selection import chosen_row, columns_of, in_words, ordered
from steerkit_core.report.transfer import HEADINGS as TRANSFER_HEADINGS
from steerkit_core.report.transfer import excluded_lines, transfer_rows


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
    environment.tests["ended_early"] = ended_early
    labels = list(dict.fromkeys(label for cell in report["cells"] for label in cell["counts"]))
    cells = report["cells"]
    steered = [cell for cell in cells if cell["role"] != "baseline"]
    return environment.from_string(source).render(
        report=report,
        manifest=manifest,
        texts=texts,
        labels=labels,
        maps=maps(report),
        drift=drift_rows(report),
        comparisons=comparison_rows(report, ("baseline",)),
        against_controls=comparison_rows(report, ("control",)),
        control_lines=control_lines,
        headings=HEADINGS,
        transfers=transfer_rows(report),
        transfer_headings=TRANSFER_HEADINGS,
        excluded=excluded_lines(report),
        luck_line=luck_line,
        marks=marked(report),
        name_of=name_of,
        ended_early=ended_early,
        audit_lines=audit_lines,
        chosen_row=chosen_row,
        columns_of=columns_of,
        in_words=in_words,
        ordered=ordered,
        main=[cell for cell in cells if cell["selected"] or cell["role"] == "baseline"],
        varying=[key for key in VARYING if len({cell[key] for cell in steered}) > 1],
    )
