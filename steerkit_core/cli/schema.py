"""`steerkit schema`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from steerkit_core.cli.application import application_of
from steerkit_core.errors import SteerkitError
from steerkit_core.files.reading import unwritable

if TYPE_CHECKING:
    from steerkit_core.plugin.registry import Registry

SCHEMA = "steerkit.schema.json"


@click.command(short_help="Print a JSON Schema of recipes, for editors.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="File to write instead.")
@click.pass_context
def schema(context: click.Context, out: Path | None) -> None:
    """Print a JSON Schema (draft 7) of the recipes that the installed components can run.

    An editor that knows Taplo's directive, such as VS Code with Even Better TOML, completes keys and marks
    mistakes in a recipe that names the file in its first line. Make it again when a plugin was installed.

    \b
    Examples:
        steerkit schema --out steerkit.schema.json
        steerkit schema | taplo lint --schema file:///dev/stdin recipe.toml
    """
    text = schema_text(application_of(context).registry)
    if out is None:
        click.echo(text, nl=False)
        return
    write_text(out, text)
    click.echo(f"written: {out}\n\nThe first line of a recipe beside it:\n\n    #:schema ./{out.name}")


def schema_text(registry: Registry) -> str:
    """The schema as JSON text."""
    from steerkit_core.recipe.schema import recipe_schema

    # a default may be a value of a plugin's own type
    return json.dumps(recipe_schema(registry), indent=1, ensure_ascii=False, default=str) + "\n"


def write_text(path: Path, text: str) -> None:
    """Write a file.

    Raises:
        SteerkitError: it cannot be written.
    """
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SteerkitError(unwritable(path, error)) from None
