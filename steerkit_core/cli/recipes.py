"""What all commands ask alike that take a recipe: which one, what to change in it, and how to run it."""

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
fresh_option = click.option(
    "--fresh", is_flag=True, help="Set an earlier run in that folder aside and start over."
)
quiet_option = click.option("--quiet", is_flag=True, help="Show no progress.")
