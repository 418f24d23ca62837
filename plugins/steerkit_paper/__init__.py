"""A published study: its tables as data, the recipes that repeat them, and the command that compares both.

The study is Mohammad, Inverse Scaling in Activation Steering (2026), which this plugin calls "the paper".
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from steerkit_core import hookimpl

if TYPE_CHECKING:
    import click

RECIPES = Path(__file__).parent / "recipes"


@hookimpl
def steerkit_register_recipes() -> list[Path]:
    """Bring every recipe of the folder."""
    return sorted(RECIPES.glob("*.toml"))


@hookimpl
def steerkit_add_commands(group: click.Group) -> None:
    """Add `steerkit replicate`."""
    from steerkit_paper.command import replicate

    group.add_command(replicate)
