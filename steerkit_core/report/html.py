"""`report.html`: one self-contained page, of one run or of several."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import TYPE_CHECKING

from attrs import evolve, frozen
from markupsafe import Markup

from steerkit_core.report.facts import facts
from steerkit_core.report.record import RunRecord
from steerkit_core.report.sections import (
    cells,
    comparisons,
    directions,
    health,
    layer_map,
    manifest,
    prompts,
    quantisation,
    rates,
    result,
    runs,
    samples,
    selection,
    transfer,
    windows,
)
from steerkit_core.report.sections.base import Section

if TYPE_CHECKING:
    import jinja2

LARGEST = 2_850_000  # bytes of a page
SAMPLES = 1_400_000  # of these for texts

Make = Callable[[RunRecord], Section | None]

BEFORE: tuple[Make, ...] = (
    result.section,
    rates.section,
    layer_map.section,
    windows.section,
    comparisons.section,
    selection.section,
    quantisation.section,
    transfer.section,
    directions.section,
    health.section,
    prompts.section,
)
AFTER: tuple[Make, ...] = (cells.section, manifest.section)


@frozen
class Rendered:
    """A section as it stands in the page."""

    id: str
    title: str
    body: Markup


@frozen
class RunPart:
    """What a page says of one run."""

    name: str
    folder: str
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
    sheet, script = (_text(name) for name in ("page.css", "page.js"))
    together = [_rendered(environment, runs.section(records), "")] if number > 1 else []
    halves = [
        (
            [_made(environment, make, run) for make in BEFORE],
            [_made(environment, make, run) for make in AFTER],
        )
        for run in records
    ]
    bodies = [one.body for half in halves for part in half for one in part if one is not None]
    taken = sum(len(body.encode("utf-8", "replace")) for body in bodies) + len(sheet) + len(script)
    room = min(SAMPLES, max(LARGEST - taken, 0)) // number
    parts = []
    for run, (before, after) in zip(records, halves, strict=True):
        found = samples.section(run, room)
        texts = None if found is None else _rendered(environment, found, run.prefix)
        sections = [one for one in (*before, texts, *after) if one is not None]
        anchor = run.prefix.removesuffix("-")
        parts.append(RunPart(run.name, str(run.folder), anchor, sections, facts(run)))
    page = environment.get_template("page.html.jinja").render(
        title=parts[0].name if number == 1 else f"{number} runs",
        together=together,
        parts=parts,
        sheet=Markup(sheet),  # noqa: S704  # reason: our own file
        script=Markup(script),  # noqa: S704  # reason: our own file
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )
    # what no page may hold, and no file in UTF-8
    return page.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _made(environment: jinja2.Environment, make: Make, run: RunRecord) -> Rendered | None:
    found = make(run)
    return None if found is None else _rendered(environment, found, run.prefix)


def _rendered(environment: jinja2.Environment, section: Section, prefix: str) -> Rendered:
    template = environment.get_template(f"{section.id}.html.jinja")
    # the template escapes what it is given
    body = Markup(template.render(prefix=prefix, **section.values))  # noqa: S704  # reason: see above
    return Rendered(prefix + section.id, section.title, body)


def _environment() -> jinja2.Environment:
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FunctionLoader(_text),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _text(name: str) -> str:
    return files("steerkit_core.report").joinpath("templates", name).read_text(encoding="utf-8")
