"""`steerkit init`."""

from __future__ import annotations

from pathlib import Path

import click

from steerkit_core.cli.application import application_of
from steerkit_core.cli.output import json_option, print_json
from steerkit_core.cli.schema import SCHEMA, schema_text, write_text
from steerkit_core.errors import SteerkitError


@click.command(short_help="Write a commented recipe to start from.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), default=Path("recipe.toml"))
@click.option("--model", default="", metavar="ID", help="Model to steer.  [default: bundled:qwen2-s]")
@click.option("--extractor", default="", metavar="NAME", help="[default: dim]")
@click.option("--selector", default="", metavar="NAME", help="[default: sweep]")
@click.option("--site", default="", metavar="NAME", help="[default: residual-add]")
@click.option("--classifier", default="", metavar="NAME", help="[default: refusal-keywords]")
@click.option("--schema", "with_schema", is_flag=True, help="Also write a JSON Schema for editors.")
@click.option("--force", is_flag=True, help="Overwrite FILE.")
@json_option
@click.pass_context
def init(
    context: click.Context,
    /,
    file: Path,
    model: str,
    *,
    with_schema: bool,
    force: bool,
    as_json: bool,
    **components: str,
) -> None:
    """Write FILE, by default recipe.toml: a recipe with every key, its default, and its help as a comment.

    It can be run as it is. With --schema a schema of the installed components is written beside it, from
    which editors complete keys and mark mistakes.

    \b
    Examples:
        steerkit init
        steerkit init study.toml --extractor rfm --selector cosmic --schema
    """
    from steerkit_core.authoring.starter import MODEL, open_problems, starter_recipe

    if file.suffix != ".toml":
        raise SteerkitError(f"a recipe's name ends in .toml, got {str(file)!r}")
    if file.exists() and not force:
        raise SteerkitError(f"{file} already exists: name another file, or overwrite it with --force")
    registry = application_of(context).registry
    chosen = {word: name for word, name in components.items() if name}
    text = starter_recipe(registry, file.stem, model=model or MODEL, components=chosen)
    schema = file.parent / SCHEMA
    if with_schema:
        write_text(schema, schema_text(registry))
        text = f"#:schema ./{SCHEMA}\n{text}"
    write_text(file, text)
    left = [str(problem) for problem in open_problems(text, registry)]
    written = [str(file), *([str(schema)] if with_schema else [])]
    if as_json:
        print_json({"files": written, "to_fill_in": left})
        return
    click.echo(f"written: {', '.join(written)}")
    if left:
        click.echo("to be filled in before it can be run:")
        for line in left:
            click.echo(f"    {line}")
    click.echo(f"next: steerkit check {file}, then steerkit run {file}")
