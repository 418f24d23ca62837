"""`steerkit runs` lists every run that is there, also those that cannot be read."""

import json
import sys
from pathlib import Path

import pytest
from rich.console import Console

sys.path.insert(0, str(Path(__file__).parent))

from made_runs import cell_entry, write_made_run

from steerkit_core.report.terminal.overview import print_runs
from steerkit_core.results.overview import runs_below
from steerkit_core.stats import wilson

SETTING = {
    "model": {"id": "bundled:qwen2-s", "quantization": "none"},
    "extractor": {"use": "dim"},
    "selector": {"use": "sweep"},
}


def finished(name, when, *settings):
    low = wilson(27, 30)
    rate = {"k": 27, "n": 30, "rate": 0.9, "low": low.low, "high": low.high}
    counts = {"refusal": 27, "garbled": 0, "normal": 3}
    chosen = cell_entry("c1", counts, layer=4, multiplier=2.5) | {"rates": {"refusal": rate}}
    folder = write_made_run(name, [chosen], selected="c1")
    change_manifest(folder, finished=when, settings=list(settings) or [SETTING])
    return folder


def change_manifest(folder, **columns):
    path = Path(folder) / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | columns))


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    finished("runs/old", "2026-01-01T10:00:00+00:00")
    int8 = SETTING | {"model": {"id": "m", "quantization": "int8"}, "selector": {"use": "fixed"}}
    finished("runs/deep/er/new", "2026-03-01T10:00:00+00:00", SETTING, int8)
    half = finished("runs/half", None)
    (half / "results.json").unlink()
    (half / "completions.jsonl").write_text("{}\n" * 12)
    change_manifest(half, planned=45, resumed=["2026-02-01T10:00:00+00:00"])
    (finished("runs/spoilt", "2026-01-02T10:00:00+00:00") / "results.json").write_text('{"run": [/b]')
    (finished("runs/newer", None) / "manifest.json").write_text('{"schema_version": 5}')
    Path("runs/no-run").mkdir()
    Path("runs/no-run/notes.txt").write_text("words")
    Path("runs/.hidden").mkdir()
    Path("runs/.hidden/manifest.json").write_text("{}")
    return tmp_path


def test_every_run_is_a_row_the_newest_first(give, says):
    code, out, err = give("runs", "--json")
    assert (code, err) == (0, "")
    rows = json.loads(out)
    assert [(row["folder"], row["state"]) for row in rows] == [
        ("runs/deep/er/new", "done"),
        ("runs/half", "unfinished"),
        ("runs/spoilt", "broken"),
        ("runs/old", "done"),
        ("runs/newer", "broken"),
    ]
    assert rows[0] == {
        "folder": "runs/deep/er/new",
        "name": "new",
        "state": "done",
        "detail": "",
        "model": "bundled:qwen2-s, m (int8)",
        "extractor": "dim",
        "selector": "sweep, fixed",
        "cell": "c1",
        "layer": 4,
        "multiplier": 2.5,
        "rate": {"k": 27, "n": 30, "rate": 0.9, "low": wilson(27, 30).low, "high": wilson(27, 30).high},
        "selected_on_evaluation": None,
        "when": "2026-03-01T10:00:00+00:00",
    }
    assert (rows[1]["detail"], rows[1]["when"]) == (
        "12 of at most 45 completions",
        "2026-02-01T10:00:00+00:00",
    )
    says(rows[2]["detail"])
    says(rows[4]["detail"])


def test_people_see_a_line_each(give, says):
    code, out, _ = give("runs")
    assert code == 0
    (line,) = [line for line in out.splitlines() if "runs/old" in line]
    assert line.split()[:9] == [
        "runs/old", "bundled:qwen2-s", "dim,", "sweep", "done", "4", "2.5", "27/30", "74-97%",
    ]  # fmt: skip
    assert "12 of at most 45" in out
    says("\n".join(out.splitlines()[-2:]))


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_nothing_is_lost_on_narrow_terminals(width):
    console = Console(width=width, force_terminal=True, color_system=None, highlight=False)
    with console.capture() as shown:
        print_runs(runs_below(Path("runs")), console)
    words = " ".join(shown.get().split())
    for part in ("27/30", "74-97%", "unfinished", "12 of at most 45 completions"):
        assert part in words
    # an empty place for a word that was cut off
    assert "\u2026" not in words


def test_no_runs_and_no_folder(give):
    Path("empty").mkdir()
    assert give("runs", "empty") == (0, "no runs in empty; `steerkit run quickstart` makes one\n", "")
    assert give("runs", "empty", "--json") == (0, "[]\n", "")
    assert give("runs", "gone") == (2, "", "error: gone: no such folder\n")
