"""With --json there is one document and nothing else; colours are for terminals, unless one says otherwise."""

import fcntl
import io
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import click
import pytest

from steerkit_core.cli import make_group
from steerkit_core.pipeline.recipe_run import run_recipe
from steerkit_core.recipe.parsing import load_recipe

ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-7]|9[0-7]|38;[0-9;]+)(?:;\d+)*m")


@pytest.fixture(scope="module")
def home(registry, write_recipe, tmp_path_factory):
    """A folder with a recipe and the run that it made."""
    folder = tmp_path_factory.mktemp("home")
    run_recipe(load_recipe(write_recipe(folder), registry), registry, folder / "runs" / "small")
    return folder


@pytest.fixture
def give(give, monkeypatch, home):
    monkeypatch.chdir(home)
    monkeypatch.setattr("sys.stdin", io.StringIO("hello\n"))
    return give


# every command that has --json, with what it needs besides
WITH_JSON = {
    ("run",): ["recipe.toml"],
    ("check",): ["recipe.toml"],
    ("show",): ["small"],
    ("runs",): [],
    ("chat",): ["small"],
    ("compare",): ["small", "small"],
    ("agree",): ["small", "--classifiers", "refusal-keywords,refusal-tiered"],
    ("power",): ["--rates", "0.9", "0.5"],
    ("plugins", "list"): [],
    ("plugins", "show"): ["residual-add"],
    ("stability",): ["recipe.toml", "--resamples", "2", "--out", "stable"],
    ("rank",): ["recipe.toml", "--components", "1,2", "--folds", "2", "--out", "ranked"],
    ("replicate",): ["--audit", "--out", "audit"],
    ("report",): ["small", "--out", "page"],
    ("export",): ["small", "--to", "csv", "--out", "cells.csv"],
    ("init",): ["new.toml"],
    ("plugins", "new"): ["extractor", "mine"],
}
# they need models or files of their own, and are tested where these are
ELSEWHERE = {("transfer",), ("parity",), ("import",)}


def commands(group, path=()):
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        yield (*path, name), command


def with_json(host):
    group = make_group()
    list(host.collect("steerkit_add_commands", group=group))
    return {
        path
        for path, command in commands(group)
        if any("--json" in parameter.opts for parameter in command.params)
    }


def test_every_command_that_a_program_may_read_is_tried(host):
    assert with_json(host) == set(WITH_JSON) | ELSEWHERE


@pytest.mark.parametrize("path", WITH_JSON, ids=" ".join)
def test_json_is_one_document_and_nothing_else(path, give):
    code, out, _ = give(*path, *WITH_JSON[path], "--json")
    assert code == 0
    # a second document, or a line before or behind it, would be an error
    assert json.loads(out) is not None
    assert "\x1b" not in out


@pytest.mark.parametrize(
    "path", [("show",), ("compare",), ("agree",), ("chat",), ("run",), ("check",)], ids=" ".join
)
def test_what_is_wrong_leaves_standard_output_empty(path, give):
    code, out, err = give(*path, "nothing", "nothing" if path == ("compare",) else "--json", "--json")
    assert (code, out) == (2, "")
    assert err.startswith("error: ")


def test_a_run_says_where_its_files_are_and_which_cell_to_look_at(give):
    code, out, err = give("run", "recipe.toml", "--json")
    found, kept = json.loads(out), json.loads(Path("runs/small/results.json").read_text())
    assert code == 0
    assert (found["folder"], found["selected"]) == ("runs/small", kept["selected"])
    assert json.loads(Path(found["files"]["results.json"]).read_text()) == kept
    assert "loading" in err


# colours


def environment(**changes):
    known = {"NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM"}
    kept = {name: value for name, value in os.environ.items() if name not in known}
    return kept | {"TERM": "xterm-256color"} | changes


def on_terminal(home, *arguments, columns=100, **changes):
    """What a command writes to a terminal of its own."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(home)
        os.execve(  # reason: the process of the terminal
            sys.executable,
            [sys.executable, "-m", "steerkit_core", *arguments],
            environment(**changes),
        )
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    found = b""
    try:
        while part := os.read(terminal, 65536):
            found += part
    except OSError:  # how Linux ends a terminal whose process has gone
        pass
    finally:
        os.close(terminal)
        os.waitpid(pid, 0)
    return found.decode("utf-8", "replace")


def piped(home, *arguments, **changes):
    line = [sys.executable, "-m", "steerkit_core", *arguments]
    done = subprocess.run(
        line, capture_output=True, text=True, check=False, cwd=home, env=environment(**changes)
    )
    return done.stdout + done.stderr


LOOK = {
    "show": ["show", "small"],
    "runs": ["runs"],
    "an error": ["show", "nothing"],
}
PLAIN = {
    "compare": ["compare", "small", "small"],
    "check": ["check", "recipe.toml"],
    "usage": ["run"],
}


@pytest.mark.parametrize("name", LOOK)
def test_colours_are_for_terminals(name, home):
    assert COLOUR.search(on_terminal(home, *LOOK[name]))
    assert COLOUR.search(piped(home, *LOOK[name], FORCE_COLOR="1"))


@pytest.mark.parametrize("name", LOOK | PLAIN)
def test_there_are_none_where_none_are_wanted(name, home):
    words = (LOOK | PLAIN)[name]
    assert not COLOUR.search(on_terminal(home, *words, NO_COLOR="1"))
    assert not ANSI.search(piped(home, *words))


def test_a_run_on_a_terminal_shows_its_cells_and_leaves_its_steps(home):
    text = on_terminal(home, "run", "recipe.toml", "--fresh", "--out", "runs/live")
    assert "\x1b[?25l" in text  # it moves
    assert "baseline" in text
    plain = ANSI.sub("", text)
    assert re.search(r"generating 5 cells.*21/21", plain)


def test_what_moves_has_no_colours_either_where_none_are_wanted(home):
    text = on_terminal(home, "run", "recipe.toml", "--out", "runs/small", NO_COLOR="1")
    assert "\x1b[?25l" in text
    assert not COLOUR.search(text)


def test_progress_in_a_log_is_lines_whatever_the_colours(give, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    code, _, text = give("run", "recipe.toml", "--fresh", "--out", "runs/log")
    assert code == 0
    assert "\x1b[?25l" not in text
    assert "generating 5 cells: 21 completions\n" in text


@pytest.mark.parametrize("columns", [60, 80, 120, 200])
def test_no_table_is_wider_than_the_terminal_or_cuts_a_number(columns, home):
    text = ANSI.sub("", on_terminal(home, "show", "small", columns=columns)).replace("\r", "")
    table = [line for line in text.splitlines() if re.search(r"\d+/5\b", line)]
    assert table
    assert all(len(line) <= columns for line in table)
    assert "\u2026" not in text
    for heading in ("layer", "mult.", "refusal", "95% CI", "garbled"):
        assert heading in text
