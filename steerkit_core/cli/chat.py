"""`steerkit chat`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from steerkit_core.cli import completing
from steerkit_core.cli.application import application_of
from steerkit_core.cli.output import counted, json_option, print_json
from steerkit_core.cli.runs import finished_run

if TYPE_CHECKING:
    from steerkit_core.chat.conversation import Conversation
    from steerkit_core.cli.talk import Screen, Talk


@click.command(short_help="Chat with a run's model, with and without steering.")
@click.argument("run", type=click.Path(path_type=Path), shell_complete=completing.runs)
@click.option(
    "--cell",
    shell_complete=completing.cells,
    help="Steer as this cell did.  [default: the selected cell]",
)
@click.option("--multiplier", type=float, help="Steering multiplier.  [default: the cell's]")
@click.option("--layer", type=int, help="Steer at this layer.  [default: the cell's]")
@click.option(
    "--max-new-tokens", type=click.IntRange(min=1), help="Token limit of an answer.  [default: the run's]"
)
@click.option("--temperature", type=click.FloatRange(min=0), help="0 is greedy.  [default: the run's]")
@click.option("--seed", type=click.IntRange(min=0), help="Seed of sampled answers.  [default: the run's]")
@click.option("--system", default="", help="System prompt, for model families that have one.")
@click.option("--device", help="Device: cpu, cuda, ...  [default: the run's]")
@json_option
@click.pass_context
def chat(
    context: click.Context,
    /,
    run: Path,
    cell: str | None,
    device: str | None,
    *,
    as_json: bool,
    **options: float | str | None,
) -> None:
    """Chat with the model of RUN, its baseline and the selected cell side by side.

    Both answers are generated in one batch, and each side continues its own conversation. Lines that begin
    with a slash are commands: /multiplier 10, /layer 12, /reset, /system TEXT, /temperature, /seed,
    /tokens, /save FILE, /help, /quit. Ctrl-C stops an answer, Ctrl-D ends the chat. Piped input is one
    message per line; with --json the whole chat is printed as one document at the end.

    \b
    Examples:
        steerkit chat quickstart
        steerkit chat runs/quickstart --multiplier 4 --max-new-tokens 60
        echo "How do I bake bread?" | steerkit chat quickstart --json
    """
    registry = application_of(context).registry

    from steerkit_core.chat.conversation import Conversation
    from steerkit_core.chat.resteering import Resteering
    from steerkit_core.cli.talk import Talk

    kept = finished_run(run)
    steering = Resteering.of(kept, registry, cell, device)
    click.echo(f"loading {steering.spec.id}", err=True)
    conversation = Conversation.of(steering)
    _set(conversation, options)
    if steering.changed is not None:
        click.echo(f"note: {steering.changed}", err=True)
    live = sys.stdin.isatty() and sys.stdout.isatty() and not as_json
    talk = Talk(conversation, _screen(live=live, as_json=as_json))
    if live:
        click.echo(f"{steering.cell.where}; /help lists the commands, Ctrl-D ends\n")
    for line in _typed() if live else _piped():
        talk.line(line)
        if talk.over:
            break
    if as_json:
        print_json(conversation.saved)
    elif live:
        _goodbye(talk)


def _set(conversation: Conversation, options: dict[str, float | str | None]) -> None:
    """The options of the command line, tried so that a wrong one is told before anything is typed."""
    given = {name: value for name, value in options.items() if value is not None}
    conversation.layer = int(given.get("layer", conversation.layer))
    if "multiplier" in given:
        conversation.multiplier = float(given["multiplier"])
    conversation.seed = int(given.get("seed", conversation.seed))
    conversation.system = str(given["system"])
    changed = {name: given[name] for name in ("max_new_tokens", "temperature") if name in given}
    conversation.change(**changed)
    conversation.steering.intervention(conversation.layer, conversation.multiplier)
    conversation.check()


def _screen(*, live: bool, as_json: bool) -> Screen:
    from rich.console import Console

    from steerkit_core.cli.screens import PlainScreen, TerminalScreen

    return TerminalScreen(Console(highlight=False)) if live else PlainScreen(err=as_json)


def _typed() -> Iterator[str]:
    """Lines from a person, with history and editing where the platform has them."""
    with suppress(ImportError):
        import readline  # noqa: F401  # reason: input() uses it once it is imported
    while True:
        try:
            yield input("> ")
        except EOFError:
            click.echo()
            return
        except KeyboardInterrupt:
            click.echo("\n(Ctrl-D or /quit ends)")


def _piped() -> Iterator[str]:
    yield from sys.stdin


def _goodbye(talk: Talk) -> None:
    said = len(talk.conversation.exchanges)
    if talk.saved:
        click.echo(f"saved: {', '.join(talk.saved)}")
    elif said:
        click.echo(f"{counted(said, 'exchange')}, not saved (/save FILE does)")
