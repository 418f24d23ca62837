"""What the pages of the reference say of the commands, from click's own declarations."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence

import click

from steerkit_core.cli import make_group
from steerkit_core.plugin.host import Host

Named = tuple[tuple[str, ...], click.Command]


def commands(host: Host) -> list[Named]:
    """Every command of `steerkit`, those of a group behind it, with the words that call it."""
    group = make_group()
    list(host.collect("steerkit_add_commands", group=group))
    return list(_below(("steerkit",), group))


def _below(words: tuple[str, ...], group: click.Group) -> Iterator[Named]:
    for name in sorted(group.commands):
        command = group.commands[name]
        yield (*words, name), command
        if isinstance(command, click.Group):
            yield from _below((*words, name), command)


def command_rows(host: Host) -> list[tuple[str, str]]:
    """The rows of a table of all commands: a link to the section, and what the command does."""
    return [
        (f"[`{' '.join(words)}`](#{'-'.join(words)})", command.get_short_help_str(120))
        for words, command in commands(host)
    ]


def command_sections(host: Host) -> str:
    """A section for every command: its usage, its help, its options and its examples."""
    return "\n\n".join(
        part for words, command in commands(host) for part in _section(" ".join(words), command)
    )


def _section(name: str, command: click.Command) -> Iterator[str]:
    context = click.Context(command, info_name=name)
    usage = " ".join([name, *command.collect_usage_pieces(context)])
    yield f"## {name}"
    yield f"```text\n{usage}\n```"
    text, _, examples = inspect.cleandoc(command.help or "").partition("\b\nExamples:\n")
    if not examples:
        text, _, examples = inspect.cleandoc(command.help or "").partition("\b\nExample:\n")
    yield text.replace("\b\n", "").strip()
    rows = [row for parameter in command.params for row in _row(parameter, context)]
    if rows:
        yield "\n".join(_line(row) for row in [("option", "default", "meaning"), ("---",) * 3, *rows])
    if examples:
        yield f"```bash\n{inspect.cleandoc(examples)}\n```"


def _row(parameter: click.Parameter, context: click.Context) -> Iterator[tuple[str, str, str]]:
    """An option's row; arguments stand in the usage and are told of in the help."""
    if not isinstance(parameter, click.Option) or parameter.hidden:
        return
    extra = parameter.get_help_extra(context)
    value = "" if parameter.is_flag else f" {parameter.make_metavar(context)}"
    bounds = f" ({extra['range']})" if "range" in extra else ""
    said, _, default = (parameter.help or "").removesuffix("]").partition("  [default: ")
    shown = f"`{extra['default']}`" if "default" in extra else default
    names = ", ".join([*parameter.opts, *parameter.secondary_opts])
    yield f"`{names}{value}`{bounds}", shown, said


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
