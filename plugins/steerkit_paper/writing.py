"""Pages and files for a reader: rendered strictly, and each replaced in one step."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from steerkit_core import SteerkitError

PAGES = Path(__file__).parent / "pages"


def as_data(value: attrs.AttrsInstance) -> dict[str, Any]:
    """A value as JSON has it, field by field; what a class leaves out of its repr is left out here too."""
    return attrs.asdict(value, filter=lambda field, _: bool(field.repr), value_serializer=_plain)


def _plain(_: object, __: object, value: Any) -> Any:
    if isinstance(value, Path):
        return value.as_posix()
    # JSON has no infinity; the word is what results.json has too
    return "inf" if value == float("inf") else value


def to_json(report: Mapping[str, object]) -> str:
    """A report as it is printed and written."""
    return json.dumps(report, indent=1, ensure_ascii=False)


def render(template: str, **values: Any) -> str:
    """One of the pages; a value that a template asks for and is not given is an error."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(PAGES),
        autoescape=template.endswith(".html.jinja"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["cell"] = lambda text: text.replace("|", "\\|")
    return environment.get_template(template).render(values)


def write_texts(folder: Path, texts: Mapping[str, str]) -> list[Path]:
    """Write files, each in one step, so that a reader never sees half of it; what is there is replaced.

    Raises:
        SteerkitError: the folder cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            partial = folder / f".{name}.partial"
            partial.write_text(text, encoding="utf-8")
            partial.replace(folder / name)
    except OSError as error:
        raise SteerkitError(f"--out: {str(folder)!r} cannot be written to: {error.strerror}") from error
    return [folder / name for name in texts]
