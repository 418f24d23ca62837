"""Two ways to show a chat: side by side on a terminal as it is written, or line by line."""

from __future__ import annotations

from collections.abc import Callable

import click
from attrs import define
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from steerkit_core.chat.conversation import SIDES, Exchange
from steerkit_core.cli.output import print_error

WIDE = 100  # columns from which on two texts go side by side


@define(eq=False)
class TerminalScreen:
    """Both answers grow side by side, or one below the other where the terminal is narrow."""

    console: Console

    def say(self, text: str) -> None:
        """What a command has to tell."""
        self.console.print(Text(text, style="dim"))

    def complain(self, text: str) -> None:
        """What went wrong."""
        self.console.print(Text.assemble(("error: ", "bold red"), text))

    def answers(self, title: str, ask: Callable[[Callable[[int, str], None]], Exchange]) -> Exchange:
        """Show both answers while they are written."""
        texts = ["", ""]
        drawn = _both(self.console.width, title, texts, (None, None))
        # what does not fit is cut while it grows, and printed whole at the end
        with Live(drawn, console=self.console, transient=True, vertical_overflow="ellipsis") as live:

            def show(side: int, text: str) -> None:
                texts[side] = text
                live.update(_both(self.console.width, title, texts, (None, None)))

            found = ask(show)
        self.console.print(_both(self.console.width, title, found.answers, found.errors))
        return found


def _both(
    width: int, title: str, texts: list[str] | tuple[str, str], errors: tuple[str | None, str | None]
) -> RenderableType:
    heads = [Text(SIDES[0], style="bold"), Text(title, style="bold cyan")]
    bodies = [
        Text(text.strip() or "...", overflow="fold")
        if error is None
        else Text.assemble(
            text.strip(), " " if text.strip() else "", (f"[{error}]", "magenta"), overflow="fold"
        )
        for text, error in zip(texts, errors, strict=True)
    ]
    if width >= WIDE:
        grid = Table.grid(padding=(0, 3, 0, 0), expand=True)
        grid.add_column(ratio=1, overflow="fold")
        grid.add_column(ratio=1, overflow="fold")
        grid.add_row(*heads)
        grid.add_row(*bodies)
        return Group(grid, Text())
    return Group(heads[0], bodies[0], Text(), heads[1], bodies[1], Text())


@define(eq=False)
class PlainScreen:
    """Every answer as a line behind its name; `err` sends them to standard error."""

    err: bool = False

    def say(self, text: str) -> None:
        """What a command has to tell."""
        click.echo(text, err=self.err)

    def complain(self, text: str) -> None:
        """What went wrong, to standard error."""
        print_error(text)

    def answers(self, title: str, ask: Callable[[Callable[[int, str], None]], Exchange]) -> Exchange:
        """Print both answers as soon as both are there."""
        found = ask(lambda _side, _text: None)
        click.echo(f"you: {found.user}", err=self.err)
        for name, text, error in zip((SIDES[0], title), found.answers, found.errors, strict=True):
            shown = text.strip() if error is None else f"{text.strip()} [{error}]".strip()
            click.echo(f"{name}: {shown}", err=self.err)
        click.echo("", err=self.err)
        return found
