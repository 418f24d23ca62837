"""`report.html`: one self-contained page, of one run or of several."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from attrs import evolve, frozen
from markupsafe import Markup

from steerkit_core.report.charts.style import page_style
from steerkit_core.report.content.facts import facts
from steerkit_core.report.content.percent import interval
from steerkit_core.report.content.record import RunRecord
from steerkit_core.report.page.sections import (
    cells,
    comparisons,
    directions,
    health,
    layer_map,
    manifest,
    prompts,
    quantization,
    rates,
    result,
    runs,
    samples,
    selection,
    transfer,
    trends,
    windows,
)
from steerkit_core.report.page.sections.base import Section

if TYPE_CHECKING:
    import jinja2

LARGEST = 2_850_000  # bytes of a page
SAMPLES = 1_400_000  # of these for texts, at most
FEWEST = 400_000  # and at least, before other sections have to go

Make = Callable[[RunRecord], Section | None]

BEFORE: tuple[Make, ...] = (
    result.section,
    rates.section,
    layer_map.section,
    windows.section,
    comparisons.section,
    selection.section,
    trends.section,
    quantization.section,
    transfer.section,
    directions.section,
    health.section,
    prompts.section,
)
AFTER: tuple[Make, ...] = (cells.section, manifest.section)
# what a page that would be too large does without, in this order
DISPENSABLE = ("cells", "directions", "windows", "rates", "layer_map", "selection", "comparisons")


@frozen
class Rendered:
    """A section as it stands in the page; `name` is its own, `id` its anchor."""

    name: str
    id: str
    title: str
    body: Markup


@frozen
class RunPart:
    """What a page says of one run."""

    name: str
    anchor: str
    sections: Sequence[Rendered]
    facts: Sequence[str]


def render_html(records: Sequence[RunRecord]) -> str:
    """The page: of one run, or of several side by side, with a part for each."""
    number = len(records)
    if number > 1:
        records = [
            evolve(record, share=1 / number, prefix=f"run-{place}-")
            for place, record in enumerate(records, start=1)
        ]
    environment = _environment()
    together = [_rendered(environment, runs.section(records), "")] if number > 1 else []
    made = [[_rendered(environment, one, run.prefix) for one in _sections(run)] for run in records]
    made, missing = fitting(made, LARGEST - FEWEST)
    room = min(SAMPLES, max(LARGEST - size(made), 0)) // number
    parts = []
    for run, sections in zip(records, made, strict=True):
        found = samples.section(run, room)
        if found is not None:
            late = sum(one.name in ("cells", "manifest") for one in sections)
            sections.insert(len(sections) - late, _rendered(environment, found, run.prefix))
        parts.append(RunPart(run.name, run.prefix.removesuffix("-"), sections, facts(run)))
    script = _text("page.js")
    page = environment.get_template("page.html.jinja").render(
        title=parts[0].name if number == 1 else f"{number} runs",
        together=together,
        parts=parts,
        missing=missing,
        sheet=Markup(page_style() + _text("page.css")),  # noqa: S704  # reason: our own files
        script=Markup(script),  # noqa: S704  # reason: our own file
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )
    # what no page may hold, and no file in UTF-8
    return page.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def fitting(parts: Sequence[Sequence[Rendered]], most: int) -> tuple[list[list[Rendered]], list[str]]:
    """The sections of each run without those that there is no room for, and the titles of these."""
    kept, missing = [list(sections) for sections in parts], dict[str, None]()
    for name in DISPENSABLE:
        if size(kept) <= most:
            break
        missing |= {one.title: None for sections in kept for one in sections if one.name == name}
        kept = [[one for one in sections if one.name != name] for sections in kept]
    return kept, list(missing)


def size(parts: Sequence[Sequence[Rendered]]) -> int:
    """Bytes of all these sections."""
    return sum(len(one.body.encode("utf-8", "replace")) for sections in parts for one in sections)


def _sections(run: RunRecord) -> list[Section]:
    """All sections but the texts, as far as the run has something for them."""
    return [found for make in (*BEFORE, *AFTER) if (found := make(run)) is not None]


def _rendered(environment: jinja2.Environment, section: Section, prefix: str) -> Rendered:
    template = environment.get_template(f"{section.id}.html.jinja")
    # the template escapes what it is given
    body = Markup(template.render(prefix=prefix, **section.values))  # noqa: S704  # reason: see above
    return Rendered(section.id, prefix + section.id, section.title, body)


@cache
def _environment() -> jinja2.Environment:
    """Made once, as its templates take longer to compile than to fill."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_text),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["interval"] = interval
    return environment


def _text(name: str) -> str:
    return files("steerkit_core.report.page").joinpath("templates", name).read_text(encoding="utf-8")
