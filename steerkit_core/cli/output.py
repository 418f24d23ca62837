"""What all commands print alike: one JSON document on standard output, or text for people."""

from __future__ import annotations

import json
from typing import Any

import click

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")


def print_json(value: Any) -> None:
    """Print a value as the one JSON document of a command."""
    click.echo(json.dumps(value, indent=1, ensure_ascii=False, default=str))
