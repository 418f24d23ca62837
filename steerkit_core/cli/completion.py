"""`steerkit completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

VARIABLE = "_STEERKIT_COMPLETE"


@click.command(short_help="Print a script that completes steerkit in a shell.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that teaches SHELL to complete steerkit: commands, options, recipes, runs and cells.

    Put it where the shell looks for such scripts, and open a new shell.

    \b
    Examples:
        steerkit completion bash > ~/.local/share/bash-completion/completions/steerkit
        steerkit completion zsh > "${fpath[1]}/_steerkit"
        steerkit completion fish > ~/.config/fish/completions/steerkit.fish
    """
    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"no script for {shell!r}")
    click.echo(found(context.find_root().command, {}, "steerkit", VARIABLE).source())
