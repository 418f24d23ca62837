"""The command line: plugins, components and help; what no user can cause keeps its traceback."""

import json
import subprocess
import sys
import textwrap
from importlib import resources
from pathlib import Path
from typing import ClassVar

import click
import pytest
from attrs import frozen
from workplaces import errors, files

from steerkit_core import Classifier, Verdict, hookimpl
from steerkit_core.cli import make_group
from steerkit_core.plugin.registry import Registry

pytestmark = pytest.mark.usefixtures("workplace")


class Falls:
    """Raises in the hooks that it is told to."""

    def __init__(self, *hooks):
        self.hooks = hooks

    def _called(self, hook):
        if hook in self.hooks:
            raise LookupError("no [/such] thing")

    @hookimpl
    def steerkit_add_commands(self, group):
        self._called("commands")
        group.add_command(click.Command("mine", callback=lambda: click.echo("mine")))

    @hookimpl
    def steerkit_register_classifiers(self):
        self._called("classifiers")
        return []

    @hookimpl
    def steerkit_locate_model(self):
        self._called("locate")

    @hookimpl
    def steerkit_run_started(self):
        self._called("started")

    @hookimpl
    def steerkit_run_finished(self):
        self._called("finished")


RAISED = "plugin 'falls' (this process) raised LookupError in hook"


@pytest.mark.parametrize(
    ("hook", "message"),
    [
        ("locate", f"model.id: {RAISED} steerkit_locate_model: no [/such] thing"),
        (
            "started",
            (
                f"{RAISED} steerkit_run_started: no [/such] thing; repair or uninstall it and give the"
                " same command"
                " again"
            ),
        ),
        (
            "finished",
            (
                f"{RAISED} steerkit_run_finished: no [/such] thing; repair or uninstall it and give"
                " the same"
                " command again"
            ),
        ),
    ],
)
def test_a_plugin_that_raises_in_a_run_is_named_and_the_run_can_be_repeated(
    hook, message, steerkit, own_host
):
    falls = Falls(hook)
    own_host.register(falls, "falls")
    assert steerkit("run", "recipe.toml", "--quiet", "--json") == (2, "", errors(message))
    kept = files().get("runs/small/completions.jsonl")
    falls.hooks = ()
    code, out, _ = steerkit("run", "recipe.toml", "--quiet", "--json")
    assert code == 0
    assert json.loads(Path("runs/small/results.json").read_text()).items() <= json.loads(out).items()
    if hook == "finished":
        assert files()["runs/small/completions.jsonl"] == kept


def test_a_plugin_that_brings_no_components_does_not_stop_those_that_do(steerkit, own_host, installed):
    own_host.register(Falls("classifiers"), "falls")
    failure = (
        "plugin 'falls' (this process), {module}: hook steerkit_register_classifiers raised LookupError: no"
        " [/such] thing"
    )
    code, out, err = steerkit("plugins")
    assert (code, err) == (0, "")
    assert failure.format(module=own_host.records["falls"].module) in " ".join(out.split())
    assert steerkit("check", "recipe.toml")[0] == 0
    assert steerkit("check", "recipe.toml", "--set", "classifier.use=mine") == (
        2,
        "",
        errors(
            *installed(
                [
                    (
                        "classifier.use: no classifier named 'mine' (installed: <classifier>); plugin"
                        " 'falls' (this"
                        " process) could not be used: hook steerkit_register_classifiers raised"
                        " LookupError: no [/such]"
                        " thing"
                    )
                ]
            )
        ),
    )


def test_a_component_that_two_plugins_bring_is_refused_naming_both(steerkit, own_host):
    @frozen(kw_only=True)
    class Second(Classifier):
        name: ClassVar[str] = "refusal-keywords"

        def classify(self, prompt, text):
            return Verdict("normal")

    class Brings:
        @hookimpl
        def steerkit_register_classifiers(self):
            return [Second]

    own_host.register(Brings(), "second")
    assert steerkit("run", "recipe.toml") == (
        2,
        "",
        errors(
            "classifier.use: classifier 'refusal-keywords' is registered by plugin 'keywords' (this process) and"
            " by plugin 'second' (this process): uninstall one of them"
        ),
    )


def test_a_plugin_may_add_a_command(steerkit, own_host):
    own_host.register(Falls(), "falls")
    assert steerkit("mine") == (0, "mine\n", "")


def test_a_command_that_could_not_be_added_is_explained_where_it_is_wanted(steerkit, own_host, says):
    own_host.register(Falls("commands"), "falls")
    code, out, err = steerkit("mine")
    assert (code, out) == (2, "")
    says(err)
    assert steerkit("check", "recipe.toml")[0] == 0


def test_a_command_takes_no_other_commands_place(steerkit, own_host, says):
    class Usurper:
        @hookimpl
        def steerkit_add_commands(self, group):
            group.add_command(click.Command("check", callback=lambda: click.echo("usurped")))

    own_host.register(Usurper(), "usurper")
    assert "usurped" not in steerkit("check", "recipe.toml")[1]
    says(own_host.records["usurper"].error)


def test_what_no_user_can_cause_keeps_its_traceback_and_exits_1():
    source = """
        import sys
        from steerkit_core import cli

        def start(host=None):
            raise RuntimeError("a bug of ours")

        cli.Application.start = start
        cli.main(["plugins"])
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(source)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback (most recent call last):\n")
    assert done.stderr.endswith("\nRuntimeError: a bug of ours\n")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["runn"], "No such command 'runn'."),
        (["run"], "Missing argument 'RECIPE'."),
        (["check", "--fast", "x"], "No such option '--fast'."),
        (["show"], "Missing argument 'RUN'."),
    ],
)
def test_a_command_line_that_is_wrong_exits_2(arguments, complaint, steerkit):
    code, out, err = steerkit(*arguments)
    assert (code, out) == (2, "")
    assert complaint.rstrip(".") in err
    assert "Traceback" not in err


def commands(group, path=()):
    for name, command in group.commands.items():
        yield (*path, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


@pytest.mark.parametrize("path", list(commands(make_group())), ids=" ".join)
def test_every_command_has_an_example_in_its_help(path, steerkit):
    code, out, err = steerkit(*path, "--help")
    assert (code, err) == (0, "")
    (heading,) = [line for line in out.splitlines() if line.strip() in ("Example:", "Examples:")]
    after = out.split(heading, 1)[1].strip().splitlines()
    assert after[0].strip().startswith(f"steerkit {' '.join(path)}")


def test_plugins_are_listed_as_json(steerkit, own_host):
    code, out, err = steerkit("plugins", "list", "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert {plugin["name"]: plugin["status"] for plugin in found["plugins"]} == dict.fromkeys(
        own_host.records, "active"
    )
    assert [(c["kind"], c["name"], c["plugin"]) for c in found["components"]] == [
        (word, name, entry.plugin.name) for word, name, entry in Registry.collect(own_host)
    ]
    shipped = [
        path.name.removesuffix(".toml")
        for package in ("steerkit_paper", "steerkit_recipes")
        for path in resources.files(package).joinpath("recipes").iterdir()
    ]
    assert found["recipes"] == sorted(shipped)


def test_a_component_that_is_not_there_is_looked_for_nearby(steerkit, registry):
    names = ", ".join(sorted({name for _, name, _ in registry}))
    assert steerkit("plugins", "show", "residual-at") == (
        2,
        "",
        errors(f"no component named 'residual-at', did you mean 'residual-add'? (installed: {names})"),
    )
