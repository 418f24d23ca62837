"""`steerkit plugins new`."""

from __future__ import annotations

from pathlib import Path

import click

from steerkit_core.cli.application import application_of
from steerkit_core.cli.output import json_option, print_json


@click.command("new", short_help="Write a package for a plugin of your own.")
@click.argument("kind")
@click.argument("name")
@click.option("--out", type=click.Path(path_type=Path), help="Folder to write.  [default: steerkit-NAME]")
@json_option
@click.pass_context
def new_plugin(context: click.Context, kind: str, name: str, out: Path | None, *, as_json: bool) -> None:
    """Write a package with a working component of KIND, called NAME, as a starting point.

    KIND is extractor, selector, site, classifier, adapter or prompt-set; NAME is what recipes will call it.
    The package installs, passes its tests and runs its recipe as it is.

    \b
    Examples:
        steerkit plugins new extractor noise
        steerkit plugins new classifier short-answers --out plugins/short-answers
    """
    from steerkit_core.authoring.names import kind_of, new_names
    from steerkit_core.authoring.package import package_files, write_package

    names = new_names(kind_of(kind), name, application_of(context).registry)
    folder = out or Path(names.distribution)
    found = package_files(names)
    write_package(found, folder)
    commands = [
        f"pip install -e {_quoted(folder)} pytest",
        f"pytest {_quoted(folder)}",
        f"steerkit run {_quoted(folder / 'recipe.toml')}",
    ]
    if as_json:
        written = [str(folder / path) for path in found]
        facts = {
            "kind": names.kind.word,
            "name": names.name,
            "distribution": names.distribution,
            "module": names.module,
            "component": names.component,
        }
        print_json({**facts, "files": written, "next": commands})
        return
    click.echo(f"{names.kind.word} {names.name!r}, as a package that works:\n")
    for path in found:
        click.echo(f"    {folder / path}")
    click.echo(f"\nYour own idea goes into {folder / names.module}.py. Next:\n")
    for command in commands:
        click.echo(f"    {command}")


def _quoted(path: Path) -> str:
    import shlex

    return shlex.quote(str(path))
