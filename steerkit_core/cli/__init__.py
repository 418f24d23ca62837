"""The command line. Commands import what is heavy when they are called."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from steerkit_core.cli.agree import agree
from steerkit_core.cli.application import Application
from steerkit_core.cli.chat import chat
from steerkit_core.cli.check import check
from steerkit_core.cli.compare import compare
from steerkit_core.cli.completion import completion
from steerkit_core.cli.export import export
from steerkit_core.cli.import_vectors import import_vectors
from steerkit_core.cli.init import init
from steerkit_core.cli.label import label
from steerkit_core.cli.listing import runs
from steerkit_core.cli.output import print_error
from steerkit_core.cli.parity import parity
from steerkit_core.cli.plugins import plugins
from steerkit_core.cli.power import power
from steerkit_core.cli.rank import rank
from steerkit_core.cli.report import report
from steerkit_core.cli.run import run
from steerkit_core.cli.schema import schema
from steerkit_core.cli.show import show
from steerkit_core.cli.stability import stability
from steerkit_core.cli.transfer import transfer
from steerkit_core.errors import PluginError, SteerkitError
from steerkit_core.plugin.host import Host


def main(arguments: Sequence[str] | None = None) -> None:
    """Run `steerkit` and exit: 0 done, 2 the input is wrong, 1 anything unexpected."""
    sys.exit(execute(list(sys.argv[1:] if arguments is None else arguments)))


def execute(arguments: list[str], host: Host | None = None) -> int:
    """Run one command line with the plugins of `host`, by default those installed; the exit code."""
    try:
        application = Application.start(host)
        group = make_group()
        list(application.host.collect("steerkit_add_commands", group=group))
        result = group.main(arguments, prog_name="steerkit", standalone_mode=False, obj=application)
    except click.ClickException as error:
        error.show()
        if isinstance(error, click.exceptions.NoSuchCommand):
            for record in application.host.failed:
                click.echo(f"{record.source} could not be used: {record.error}", err=True)
        return 2
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted; what was finished is kept, and the same command resumes", err=True)
        return 130
    except SteerkitError as error:
        for line in str(error).splitlines():
            print_error(line)
        return 2
    return result if isinstance(result, int) else 0


class Commands(click.Group):
    """A group in which no command takes the place of another."""

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Add a command.

        Raises:
            PluginError: there is one of that name.
        """
        if (name or cmd.name) in self.commands:
            raise PluginError(f"there is a command {name or cmd.name!r} already")
        super().add_command(cmd, name)


def make_group() -> click.Group:
    """The `steerkit` command with the core's own subcommands."""

    @click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
    @click.version_option(package_name="steerkit-core", prog_name="steerkit")
    def steerkit() -> None:
        """Activation steering as a repeatable measurement.

        \b
        Try it, offline, in a minute:
            steerkit run quickstart
        """

    for command in (
        run,
        check,
        init,
        show,
        runs,
        report,
        chat,
        compare,
        transfer,
        power,
        agree,
        label,
        parity,
        plugins,
        schema,
        stability,
        rank,
        completion,
        export,
        import_vectors,
    ):
        steerkit.add_command(command)
    return steerkit
