"""A published study as data: its tables, what it prints about them, and the command that recomputes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steerkit_core import hookimpl

if TYPE_CHECKING:
    import click


@hookimpl
def steerkit_add_commands(group: click.Group) -> None:
    """Add `steerkit replicate`."""
    from steerkit_paper.command import replicate

    group.add_command(replicate)
