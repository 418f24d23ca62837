"""What all commands ask alike that take a recipe: which one, and what to change in it."""

from __future__ import annotations

import click

from steerkit_core.cli import completing

recipe_argument = click.argument("recipe", shell_complete=completing.recipes)
changes_option = click.option(
    "--set",
    "changes",
    multiple=True,
    shell_complete=completing.changes,
    metavar="TABLE.KEY=VALUE",
    help="Change an option of the recipe; may be repeated.",
)
