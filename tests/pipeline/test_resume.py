"""A run may die at any moment; the same command goes on, computes nothing again, and ends the same."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter

import pytest

from steerkit_core.cli import execute
from steerkit_core.generation import generate
from steerkit_core.results.run_directory import RunDirectory

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and limits are POSIX")

ROWS = 5 + 4 * 4 + 5  # unsteered, four trials, the selected cell

# an extractor that is in the middle of its work for as long as a file exists
PLUGIN = """
    import time
    from pathlib import Path
    from typing import ClassVar

    from attrs import frozen

    from steerkit_core import DirectionSet, Extractor, hookimpl, option


    @frozen(kw_only=True)
    class Slow(Extractor):
        name: ClassVar[str] = "slow"
        busy: str = option(help="a file")

        def extract(self, model, contrast, layers):
            positive, negative = model.mean_activations((contrast.positive, contrast.negative))
            Path(self.busy + ".reached").touch()
            while Path(self.busy).exists():
                time.sleep(0.01)
            return DirectionSet.from_raw((positive - negative)[:, list(layers)], (-1,), tuple(layers))


    @hookimpl
    def steerkit_register_extractors():
        return [Slow]
"""
# importing torch takes longer than a run: one process imports it and forks for every command
SERVER = """
    import json, os, resource, signal, sys, traceback
    from importlib import import_module

    import torch

    import steerkit_core.model.loading
    from steerkit_core.cli import execute
    from steerkit_core.plugin.host import Host

    torch.set_num_threads(1)
    # a shell that starts the tests in the background makes them ignore it
    signal.signal(signal.SIGINT, signal.default_int_handler)

    def command(modules, arguments, folder, limit):
        os.chdir(folder)
        sys.path.insert(0, folder)
        os.dup2(os.open("stderr.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if limit:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        host = Host.load([])
        for name in modules:
            host.register(import_module(name), name.removeprefix("steerkit_"))
        return execute(arguments, host)

    running = set()
    for line in sys.stdin:
        order = json.loads(line)
        if isinstance(order, int):
            answer = os.waitstatus_to_exitcode(os.waitpid(order, 0)[1])
            running.discard(order)
        elif (answer := os.fork()) == 0:
            code = 1
            try:
                code = command(**order)
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(code)
        else:
            running.add(answer)
        print(answer, flush=True)
    for process in running:  # what a failed test has left behind
        os.kill(process, signal.SIGKILL)
"""


@pytest.fixture(scope="module")
def server():
    """Give an order, get an answer: a command to start, or a process to wait for."""
    line = [sys.executable, "-c", textwrap.dedent(SERVER)]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

        def ask(order):
            process.stdin.write(json.dumps(order) + "\n")
            process.stdin.flush()
            return int(process.stdout.readline())

        yield ask
        process.stdin.close()


@pytest.fixture(autouse=True)
def workplace(write_recipe, tmp_path, monkeypatch):
    """A folder with recipe and plugin; both processes work in it."""
    monkeypatch.chdir(tmp_path)
    write_recipe(tmp_path)
    (tmp_path / "slow_plugin.py").write_text(textwrap.dedent(PLUGIN))
    return tmp_path


@pytest.fixture
def here(own_host, workplace):
    """Run the command in this process; returns the exit code."""
    spec = importlib.util.spec_from_file_location("slow_plugin", workplace / "slow_plugin.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    own_host.register(module, "slow_plugin")
    return lambda arguments: execute(arguments, own_host)


@pytest.fixture
def elsewhere(own_host, workplace, server):
    """Start the command in a process of its own; returns the process's id."""

    def start(arguments, limit=None):
        modules = [record.module for record in own_host.records.values()]
        order = {"modules": modules, "arguments": arguments, "folder": str(workplace), "limit": limit}
        return server(order)

    return start


def run_command(*changes, out="run"):
    sets = [word for change in changes for word in ("--set", change)]
    return ["run", "recipe.toml", "--quiet", "--json", "--out", out, *sets]


SHORT = run_command()
WIDE = run_command("prompts.selection=benign-30")
LONG = run_command("generation.max_new_tokens=40", "generation.batch_size=2")
# cells that end early: four of eight, two and one of them are left after the rounds
HALVING = run_command(
    "selector.use=adaptive",
    "selector.multipliers=[1.0, 2.0, 4.0, 8.0]",
    "selector.first_round=1",
    "selector.budget=0.6",
    "prompts.selection=selection-30",
    "generation.batch_size=8",
)


@pytest.fixture(scope="module")
def finished():
    """The files of runs that nothing disturbed, by command; each is made once."""
    return {}


@pytest.fixture
def undisturbed(finished, here, workplace):
    def files(arguments):
        key = " ".join(arguments)
        if key not in finished:
            other = [
                "undisturbed" if word == "run" and place else word for place, word in enumerate(arguments)
            ]
            assert here(other) == 0
            folder = workplace / "undisturbed"
            names = ("results.json", "verdicts.jsonl", "recipe.toml")
            finished[key] = {name: (folder / name).read_bytes() for name in names}
        return finished[key]

    return files


def whole_lines(path):
    content = path.read_bytes() if path.exists() else b""
    return content[: content.rfind(b"\n") + 1].splitlines(keepends=True)


def wait_until(condition, workplace):
    """Wait, on a machine that may be very busy, unless the process has something to complain about."""
    complaint = workplace / "stderr.txt"
    while not condition():
        assert not (complaint.exists() and complaint.read_text())
        time.sleep(0.002)


def check_continued(folder, kept, undisturbed, rows=ROWS):
    """`folder` ended as it would have undisturbed, and its rows before the interruption are the first."""
    lines = whole_lines(folder / "completions.jsonl")
    assert lines[: len(kept)] == kept
    times = Counter((row["cell"], row["prompt_id"]) for row in map(json.loads, lines))
    assert len(times) == rows
    assert set(times.values()) == {1}
    for name, content in undisturbed.items():
        assert (folder / name).read_bytes() == content, name


@pytest.fixture
def generated(monkeypatch):
    rows = []

    def spy(model, wanted, *args):
        rows.extend(row.prompt.id for row in wanted)
        return generate(model, wanted, *args)

    monkeypatch.setattr("steerkit_core.generation.generate", spy)
    return rows


@pytest.mark.parametrize("rows", [1, 7, 17])
def test_a_killed_run_goes_on_with_the_same_command(
    rows, workplace, here, elsewhere, server, undisturbed, generated
):
    completions = workplace / "run" / "completions.jsonl"
    process = elsewhere(LONG)
    wait_until(lambda: len(whole_lines(completions)) >= rows, workplace)
    os.kill(process, signal.SIGKILL)
    assert server(process) == -signal.SIGKILL
    kept = whole_lines(completions)
    assert rows <= len(kept) < ROWS
    assert not (workplace / "run" / "results.json").exists()
    assert here(LONG) == 0
    assert len(generated) == ROWS - len(kept)
    check_continued(workplace / "run", kept, undisturbed(LONG))


def test_a_run_killed_while_it_extracts_goes_on_with_the_same_command(
    workplace, here, elsewhere, server, undisturbed
):
    recipe, busy = workplace / "recipe.toml", workplace / "busy"
    recipe.write_text(recipe.read_text().replace('use = "dim"', 'use = "slow"\nbusy = "busy"'))
    busy.touch()
    process = elsewhere(SHORT)
    wait_until((workplace / "busy.reached").exists, workplace)
    os.kill(process, signal.SIGKILL)
    assert server(process) == -signal.SIGKILL
    busy.unlink()
    assert not (workplace / "run" / "directions.safetensors").exists()
    assert here(SHORT) == 0
    check_continued(workplace / "run", [], undisturbed([*SHORT, "--set", "extractor.use=slow"]))


def test_an_interrupted_run_says_so_and_goes_on(workplace, here, elsewhere, server, undisturbed, says):
    completions = workplace / "run" / "completions.jsonl"
    process = elsewhere(LONG)
    wait_until(lambda: whole_lines(completions), workplace)
    os.kill(process, signal.SIGINT)
    assert server(process) == 130
    says((workplace / "stderr.txt").read_text())
    kept = whole_lines(completions)
    assert here(LONG) == 0
    check_continued(workplace / "run", kept, undisturbed(LONG))


def test_a_full_disk_is_explained_and_the_run_goes_on_when_there_is_room(
    workplace, here, elsewhere, server, undisturbed, says
):
    limit = 15_000  # more than the manifest and the directions, less than the completions
    process = elsewhere(WIDE, limit=limit)
    assert server(process) == 2
    completions = workplace / "run" / "completions.jsonl"
    kept = whole_lines(completions)
    assert completions.stat().st_size == limit
    says((workplace / "stderr.txt").read_text())
    assert here(WIDE) == 0
    check_continued(workplace / "run", kept, undisturbed(WIDE), rows=5 + 4 * 30 + 5)


class Died(BaseException):
    """Stands for a process that ends without any of its `finally`."""


def die_at(monkeypatch, method, name, count):
    """End the run in the middle of its `count`-th write of a file."""
    original = getattr(RunDirectory, method)
    left = [count]

    def write(self, *args):
        target = "completions.jsonl" if method == "append" else args[0]
        if target != name:
            return original(self, *args)
        left[0] -= 1
        if left[0]:
            return original(self, *args)
        half = self.path / (name if method == "append" else f".{name}.partial")
        with half.open("ab") as stream:
            stream.write(b'{"cell": "half a li')
        raise Died

    monkeypatch.setattr(RunDirectory, method, write)


@pytest.mark.parametrize(
    ("method", "name", "count"),
    [
        ("write_text", "manifest.json", 1),
        ("write_text", "recipe.toml", 1),
        ("write_text", "manifest.json", 2),
        ("write_tensors", "directions.safetensors", 1),
        ("append", "completions.jsonl", 1),
        ("append", "completions.jsonl", 2),
        ("append", "completions.jsonl", 14),
        ("append", "completions.jsonl", 22),
        ("append", "completions.jsonl", ROWS),
        ("write_text", "verdicts.jsonl", 1),
        ("write_text", "results.json", 1),
        ("write_text", "manifest.json", 3),
        ("write_text", "report.html", 1),
    ],
)
def test_a_run_that_dies_within_any_of_its_writes_goes_on(
    method, name, count, workplace, here, monkeypatch, generated, undisturbed
):
    with monkeypatch.context() as patch:
        die_at(patch, method, name, count)
        with pytest.raises(Died):
            here(SHORT)
    kept = whole_lines(workplace / "run" / "completions.jsonl")
    generated.clear()
    assert here(SHORT) == 0
    assert len(generated) == ROWS - len(kept)
    check_continued(workplace / "run", kept, undisturbed(SHORT))
    assert json.loads((workplace / "run" / "manifest.json").read_text())["finished"] is not None


def test_a_run_whose_cells_end_early_dies_anywhere_and_decides_the_same(
    workplace, here, monkeypatch, generated, undisturbed
):
    whole = undisturbed(HALVING)
    cells = json.loads(whole["results.json"])["cells"]
    tried = [cell for cell in cells if cell["prompts"] == "selection-30"]
    asked = [cell["n"] + cell["failed"] for cell in tried]
    assert len(tried) == 8
    assert 1 <= min(asked) < max(asked) == 30
    assert {cell["prompts_total"] for cell in tried} == {30}
    rows = 5 + sum(asked) + 5
    for count in (1, 9, 14, 20, 31, 60, rows - 1):
        folder = workplace / f"died-{count}"
        command = [
            f"died-{count}" if word == "run" and place else word for place, word in enumerate(HALVING)
        ]
        with monkeypatch.context() as patch:
            die_at(patch, "append", "completions.jsonl", count)
            with pytest.raises(Died):
                here(command)
        kept = whole_lines(folder / "completions.jsonl")
        assert len(kept) == count - 1
        generated.clear()
        assert here(command) == 0
        assert len(generated) == rows - len(kept)
        check_continued(folder, kept, whole, rows=rows)


def test_completions_that_were_not_asked_for_do_not_change_what_a_selector_sees(
    workplace, here, monkeypatch, undisturbed
):
    """A folder that holds every row of every cell, as a sweep leaves them, leads to the same results."""
    whole = undisturbed(HALVING)
    multipliers = next(change for change in HALVING if change.startswith("selector.multipliers"))
    sweep = run_command(
        multipliers, "prompts.selection=selection-30", "generation.batch_size=8", out="sweep"
    )
    assert here(sweep) == 0
    known = {cell["id"] for cell in json.loads(whole["results.json"])["cells"]}
    rows = whole_lines(workplace / "sweep" / "completions.jsonl")
    rows = [row for row in rows if json.loads(row)["cell"] in known]
    assert len(rows) >= 5 + 8 * 30
    with monkeypatch.context() as patch:
        die_at(patch, "append", "completions.jsonl", 1)
        with pytest.raises(Died):
            here(HALVING)
    (workplace / "run" / "completions.jsonl").write_bytes(b"".join(rows))
    assert here(HALVING) == 0
    for name in ("results.json", "verdicts.jsonl"):
        assert (workplace / "run" / name).read_bytes() == whole[name], name
