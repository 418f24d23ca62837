"""Pages and files for a reader: rendered strictly, and each replaced in one step."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from steerkit_core import SteerkitError

PAGES = Path(__file__).parent / "pages"


def render(template: str, **values: Any) -> str:
    """One of the pages; a value that a template asks for and is not given is an error."""
    import jinja2

    environment = jinja2.Environment(
        autoescape=template.endswith(".html.jinja"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["cell"] = lambda text: text.replace("|", "\\|")
    return environment.from_string((PAGES / template).read_text(encoding="utf-8")).render(values)


def write_texts(folder: Path, texts: Mapping[str, str]) -> None:
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
