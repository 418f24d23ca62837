"""What is shown of a run while it goes on is so, and costs no second judging."""

from collections import Counter
from pathlib import Path
from typing import ClassVar

import pytest
from attrs import frozen
from rich.console import Console
from rich.progress import Progress

from steerkit_core import Classifier, Verdict, hookimpl
from steerkit_core.cli.cells_table import FillingCell, catch_up, cells_table
from steerkit_core.cli.progress import LiveProgress
from steerkit_core.pipeline.recipe_run import run_recipe
from steerkit_core.plugin.registry import Registry
from steerkit_core.progress import Silent
from steerkit_core.recipe.parsing import load_recipe
from steerkit_core.results.cells import BegunCell
from steerkit_core.values import Completion, Prompt


def row(number, text="a", error=None):
    return Completion(Prompt(f"p{number}", "q"), text, 3, "eos" if error is None else "failed", error)


def by_first_letter(asked):
    def judge(rows):
        asked.append(len(rows))
        return [Verdict({"r": "refusal", "g": "garbled"}.get(one.text[0], "normal")) for one in rows]

    return judge


def filling(name, total=4, judge=None, **facts):
    facts = {"role": "steered", "layer": 1, "multiplier": 2.0} | facts
    return FillingCell(name, BegunCell(id=name, **facts), total, judge)


def drawn(table, width=80):
    console = Console(width=width, color_system=None)
    with console.capture() as shown:
        console.print(table)
    return [line.rstrip() for line in shown.get().splitlines()]


def live(height=30, width=100):
    console = Console(width=width, height=height, color_system=None, force_terminal=True)
    return LiveProgress(Progress(console=console, auto_refresh=False))


def test_rows_are_counted_once_and_judged_together():
    asked = []
    judge = by_first_letter(asked)
    one, other = filling("c1", judge=judge), filling("c2", judge=judge)
    for number, text in enumerate(["refuse", "garble", "fine", "refuse"]):
        one.add(row(number, text))
        one.add(row(number, text))
    other.add(row(0, "fine"))
    other.add(row(1, "", error="the output is empty"))
    catch_up([one, other])
    catch_up([one, other])
    assert asked == [5]
    assert one.counts == Counter(refusal=2, garbled=1, normal=1)
    assert (other.counts, other.failed, len(other.rows)) == (Counter(normal=1), 1, 2)
    lines = drawn(cells_table([one, other], 20, 80))
    assert [line.split() for line in lines] == [
        ["layer", "mult.", "rows", "refusal", "garbled", "normal", "failed"],
        ["1", "2", "4/4", "2/4", "1/4", "1/4", "0"],
        ["1", "2", "2/4", "0/1", "0/1", "1/1", "1"],
    ]


def test_what_a_model_judges_is_not_guessed():
    cell = filling("c1", judge=None)
    cell.add(row(0, "refuse"))
    catch_up([cell])
    assert drawn(cells_table([cell], 20, 80))[-1].split() == ["1", "2", "1/4", "-", "-", "-"]


@pytest.mark.parametrize("height", [5, 6, 12, 40])
def test_a_terminal_shows_as_many_cells_as_it_has_lines_for(height, says):
    judge = by_first_letter([])
    cells = [filling("c0", role="baseline", judge=judge)]
    cells += [filling(f"c{layer}", layer=layer, total=10, judge=judge) for layer in range(1, 31)]
    for cell in cells[1:]:
        for number in range(10):
            # layer 17 refuses most, then 18, ...
            cell.add(row(number, "refuse" if number < (cell.facts.layer + 13) % 30 % 11 else "fine"))
    catch_up(cells)
    lines = drawn(cells_table(cells, height, 80))
    assert len(lines) <= height
    assert lines[1].split()[0] == "baseline"
    shown = [int(line.split()[0]) for line in lines[2:] if "/" in line.split()[2]]
    assert shown == sorted(shown)
    if height < 40:
        says(lines[-1])
        best = sorted(cells[1:], key=lambda cell: -cell.counts["refusal"])[: len(shown)]
        worst = min(cell.counts["refusal"] for cell in best)
        assert all(cells[layer].counts["refusal"] >= worst for layer in shown)
    else:
        assert shown == list(range(1, 31))


def test_no_line_is_left_for_a_table():
    assert cells_table([filling("c1")], 2, 80) is None
    assert cells_table([], 20, 80) is None


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_columns_give_way_on_a_narrow_terminal(width):
    cells = [filling("c1", model="bundled:qwen2-s"), filling("c2", model="bundled:gemma2-s")]
    cells += [filling("c3", model="bundled:qwen2-s", control="random-1")]
    lines = drawn(cells_table(cells, 20, width), width)
    assert all(len(line) <= width for line in lines)
    assert ("model" in lines[0]) == (width > 73)
    assert lines[3].endswith("random-1, 1      2   0/4        -        -       -")


def test_what_moves_stays_within_the_terminal():
    progress = live(height=20)
    for number in range(50):
        name = f"c{number}"
        progress.cell(name, BegunCell(id=name, layer=number, multiplier=1.0), 3, None)
        progress.step(f"step {number}")
    with progress.bars.console.capture() as shown:
        progress.bars.console.print(progress)
    lines = shown.get().splitlines()
    assert len(lines) <= 19
    assert "step 49" in lines[-1]
    progress.close()
    with progress.bars.console.capture() as shown:
        progress.bars.console.print(progress)
    assert len(shown.get().splitlines()) == 50


# in a real run


@frozen(kw_only=True)
class Counting(Classifier):
    """Calls a text by its length, and counts how often it is asked."""

    name: ClassVar[str] = "counting"
    asked: ClassVar[list] = []

    def classify(self, prompt, text):
        type(self).asked.append((prompt.text, text))
        return Verdict("refusal" if len(text) % 2 else "normal")


class Counts:
    @hookimpl
    def steerkit_register_classifiers(self):
        return [Counting]


def run(progress, own_host, write_recipe, tmp_path, out):
    if "counts" not in own_host.records:
        own_host.register(Counts(), "counts")
    registry = Registry.collect(own_host)
    change = 'classifier={use = "counting"}'
    recipe = load_recipe(write_recipe(tmp_path), registry, [change])
    Counting.asked.clear()
    return run_recipe(recipe, registry, tmp_path / out, progress=progress)


def test_the_live_numbers_are_those_of_the_results(own_host, write_recipe, tmp_path):
    silent = run(Silent(), own_host, write_recipe, tmp_path, "silent")
    once = sorted(Counting.asked)
    progress = live()
    report = run(progress, own_host, write_recipe, tmp_path, "live")
    assert report == silent
    # no text is judged again, or by itself and then with the others
    assert sorted(Counting.asked) == once
    for cell in report.cells:
        shown = progress.cells[cell.id]
        assert dict(shown.counts) == {label: n for label, n in cell.counts.items() if n}
        assert (len(shown.rows), shown.failed) == (cell.rows, cell.failed)
        assert shown.total == cell.rows
    assert len(progress.cells) == len(report.cells)


def test_a_run_that_goes_on_shows_what_was_there(own_host, write_recipe, tmp_path):
    report = run(Silent(), own_host, write_recipe, tmp_path, "out")
    lines = Path(tmp_path / "out/completions.jsonl").read_bytes().splitlines(keepends=True)
    Path(tmp_path / "out/completions.jsonl").write_bytes(b"".join(lines[:9]))
    progress = live()
    assert run(progress, own_host, write_recipe, tmp_path, "out") == report
    assert {name: dict(cell.counts) for name, cell in progress.cells.items()} == {
        cell.id: {label: n for label, n in cell.counts.items() if n} for cell in report.cells
    }
