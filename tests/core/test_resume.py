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

from steerkit_core import ModelHandle
from steerkit_core.cli import execute
from steerkit_core.store import RunDirectory

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and limits are POSIX")

ROWS = 5 + 4 * 4 + 5  # unsteered, four trials, the selected cell
CHANGES = ("generation.max_new_tokens=60", "generation.batch_size=2")

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
COMMAND = """
    import sys
    from importlib import import_module
    from steerkit_core.cli import execute
    from steerkit_core.host import Host

    host = Host.load([])
    for name in sys.argv.pop(1).split(","):
        host.register(import_module(name), name.removeprefix("steerkit_"))
    sys.exit(execute(sys.argv[1:], host))
"""


@pytest.fixture
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
def elsewhere(own_host, workplace):
    """Start the command in a process of its own."""
    names = [record.module for record in own_host.records.values() if record.name != "slow_plugin"]
    started = []

    def start(arguments, **kwargs):
        line = [
            sys.executable,
            "-c",
            textwrap.dedent(COMMAND),
            ",".join([*names, "slow_plugin"]),
            *arguments,
        ]
        paths = [str(workplace), *filter(None, [os.environ.get("PYTHONPATH")])]
        variables = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}
        process = subprocess.Popen(line, env=variables, stderr=subprocess.PIPE, text=True, **kwargs)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def run_command(*changes, out="run"):
    sets = [word for change in (*CHANGES, *changes) for word in ("--set", change)]
    return ["run", "recipe.toml", "--quiet", "--json", "--out", out, *sets]


def whole_lines(path):
    content = path.read_bytes() if path.exists() else b""
    return content[: content.rfind(b"\n") + 1].splitlines(keepends=True)


def wait_until(condition, process):
    deadline = time.monotonic() + 60
    while not condition():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.002)


def check_continued(folder, kept, undisturbed):
    """`folder` ended like `undisturbed`, and its rows before the interruption are the first of them."""
    lines = whole_lines(folder / "completions.jsonl")
    assert lines[: len(kept)] == kept
    times = Counter((row["cell"], row["prompt_id"]) for row in map(json.loads, lines))
    assert len(times) == ROWS
    assert set(times.values()) == {1}
    for name in ("results.json", "verdicts.jsonl", "recipe.toml"):
        assert (folder / name).read_bytes() == (undisturbed / name).read_bytes(), name


@pytest.mark.parametrize("rows", [1, 7, 17])
def test_a_killed_run_goes_on_with_the_same_command(rows, workplace, here, elsewhere):
    completions = workplace / "run" / "completions.jsonl"
    process = elsewhere(run_command())
    wait_until(lambda: len(whole_lines(completions)) >= rows, process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = whole_lines(completions)
    assert rows <= len(kept) < ROWS
    assert not (workplace / "run" / "results.json").exists()
    assert here(run_command()) == 0
    assert here(run_command(out="undisturbed")) == 0
    check_continued(workplace / "run", kept, workplace / "undisturbed")


def test_a_run_killed_while_it_extracts_goes_on_with_the_same_command(workplace, here, elsewhere):
    busy = workplace / "busy"
    busy.touch()
    changes = ("extractor.use=slow", "extractor.busy=busy", "generation.max_new_tokens=6")
    # the recipe's own extractor has no such option
    recipe = workplace / "recipe.toml"
    recipe.write_text(recipe.read_text().replace('use = "dim"', 'use = "slow"\nbusy = "busy"'))
    process = elsewhere(run_command(*changes))
    wait_until((workplace / "busy.reached").exists, process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    busy.unlink()
    assert not (workplace / "run" / "directions.safetensors").exists()
    assert here(run_command(*changes)) == 0
    assert here(run_command(*changes, out="undisturbed")) == 0
    check_continued(workplace / "run", [], workplace / "undisturbed")


def test_an_interrupted_run_says_so_and_goes_on(workplace, here, elsewhere):
    completions = workplace / "run" / "completions.jsonl"
    process = elsewhere(run_command())
    wait_until(lambda: whole_lines(completions), process)
    process.send_signal(signal.SIGINT)
    _, complaint = process.communicate()
    assert process.returncode == 130
    assert complaint.splitlines()[-1] == (
        "interrupted; what was finished is kept, the same command goes on from there"
    )
    assert "Traceback" not in complaint
    kept = whole_lines(completions)
    assert here(run_command()) == 0
    assert here(run_command(out="undisturbed")) == 0
    check_continued(workplace / "run", kept, workplace / "undisturbed")


def test_a_full_disk_is_explained_and_the_run_goes_on_when_there_is_room(workplace, elsewhere):
    import resource

    limit = 7000  # more than the manifest, less than the completions
    process = elsewhere(
        run_command("grid.selector=[{use = 'fixed', layer = 1}]", "prompts.evaluation=benign-30"),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    _, complaint = process.communicate()
    kept = whole_lines(workplace / "run" / "completions.jsonl")
    assert process.returncode == 2
    assert complaint == (
        f"error: run/completions.jsonl: cannot be written: file too large; {len(kept)} completions are kept; put"
        " that right and give the same command again, or choose another folder with --out\n"
    )
    assert 0 < len(kept) < 60


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


@pytest.fixture
def generated(monkeypatch):
    rows = []
    original = ModelHandle.generate

    def spy(self, wanted, *args):
        rows.extend(row.prompt.id for row in wanted)
        return original(self, wanted, *args)

    monkeypatch.setattr(ModelHandle, "generate", spy)
    return rows


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
    method, name, count, workplace, here, monkeypatch, generated
):
    short = run_command("generation.max_new_tokens=6")
    with monkeypatch.context() as patch:
        die_at(patch, method, name, count)
        with pytest.raises(Died):
            here(short)
    kept = whole_lines(workplace / "run" / "completions.jsonl")
    generated.clear()
    assert here(short) == 0
    assert len(generated) == ROWS - len(kept)
    assert here(run_command("generation.max_new_tokens=6", out="undisturbed")) == 0
    check_continued(workplace / "run", kept, workplace / "undisturbed")
    manifest = json.loads((workplace / "run" / "manifest.json").read_text())
    assert manifest["finished"] is not None
