"""What all commands print alike: one JSON document on standard output, or text for people."""

from __future__ import annotations

import json
import os

import click

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document and nothing else."
)


def colour() -> bool | None:
    """Whether the user wants colours, as the environment says; None leaves it to where the output goes."""
    if os.environ.get("NO_COLOR"):
        return False
    return True if os.environ.get("FORCE_COLOR") else None


def print_error(line: str) -> None:
    """One line of what the user can put right, on standard error."""
    click.secho("error: ", fg="red", bold=True, nl=False, err=True, color=colour())
    click.echo(line, err=True)


def counted(number: int, what: str) -> str:
    """A number of things, in words that fit it."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def print_json(value: object) -> None:
    """Print JSON values or objects of classes of results as the one JSON document of a command."""
    from steerkit_core.results.converter import unstructured

    click.echo(json.dumps(unstructured(value), indent=1, ensure_ascii=False, default=str))
