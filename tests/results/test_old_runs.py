"""Runs of version 0.1.0 are shown, reported, compared, exported and resumed by later versions.

The expected numbers are those of the recorded files. Only the command line and `steerkit_core` are used.
"""

import csv
import json
import shlex
import shutil

import pytest
from recorded_runs import OLD_RUNS, RUNS, STABILITY, found, results_of, rows_of
from safetensors import safe_open

import steerkit_core

EVERY_RUN = pytest.mark.parametrize("name", RUNS)
TABLES = {"completions": "completions.jsonl", "verdicts": "verdicts.jsonl"}
MEASURED = 1e-3  # relative: another processor may add in another order


@pytest.fixture
def copied(tmp_path):
    """A copy of a recorded run, which a test may write to."""
    return lambda name: shutil.copytree(OLD_RUNS / name, tmp_path / name)


def interrupt(folder):
    """Leave what a run leaves that was killed after half of its completions."""
    for derived in ("results.json", "verdicts.jsonl"):
        (folder / derived).unlink()
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    (folder / "manifest.json").write_text(json.dumps(manifest | {"finished": None}), "utf-8")
    lines = (folder / "completions.jsonl").read_bytes().splitlines(keepends=True)
    kept = lines[: len(lines) // 2]
    # the last line is cut in its middle, as where the process died while it wrote it
    (folder / "completions.jsonl").write_bytes(b"".join(kept) + lines[len(kept)][:40])
    return kept


def same(recorded, now, where=""):
    """Whether all that was recorded is there with the same values; more may have been added.

    Sentences for readers may have been put otherwise.
    """
    if where.rpartition(".")[2] in ("sentence", "reading", "reason", "notes"):
        assert bool(now) == bool(recorded), where
        return
    if isinstance(recorded, dict):
        assert set(recorded) <= set(now), where
        for key, value in recorded.items():
            same(value, now[key], f"{where}.{key}")
    elif isinstance(recorded, list):
        assert len(recorded) == len(now), where
        for index, (one, other) in enumerate(zip(recorded, now, strict=True)):
            same(one, other, f"{where}[{index}]")
    elif isinstance(recorded, float):
        assert now == pytest.approx(recorded, rel=MEASURED, abs=1e-6), where
    else:
        assert now == recorded, where


@EVERY_RUN
def test_an_old_run_is_shown(name, steerkit):
    shown = json.loads(steerkit("show", OLD_RUNS / name, "--json"))
    same(results_of(OLD_RUNS / name), shown)


@EVERY_RUN
def test_every_view_of_an_old_run_can_be_shown(name, steerkit):
    selected = results_of(OLD_RUNS / name)["selected"]
    assert selected in steerkit("show", OLD_RUNS / name, "--all")
    assert steerkit("show", OLD_RUNS / name, "--selection")
    assert steerkit("show", OLD_RUNS / name, "--audit")
    texts = " ".join(steerkit("show", OLD_RUNS / name, "--cell", selected).split())
    for row in rows_of(OLD_RUNS / name / "completions.jsonl"):
        if row["cell"] == selected:
            assert row["text"].split()[0] in texts


@EVERY_RUN
def test_an_old_run_that_was_interrupted_is_shown(name, copied, steerkit):
    folder = copied(name)
    kept = interrupt(folder)
    shown = json.loads(steerkit("show", folder, "--json"))
    assert shown["completions"] == len(kept)
    assert sum(cell["completions"] for cell in shown["cells"]) == len(kept)
    assert shown["command"] in steerkit("show", folder)


@EVERY_RUN
def test_an_old_run_is_listed(name, steerkit):
    listed = json.loads(steerkit("runs", OLD_RUNS, "--json"))
    assert name in json.dumps(listed)


@EVERY_RUN
def test_an_old_run_is_reported(name, copied, steerkit):
    folder = copied(name)
    steerkit("report", folder)
    page = (folder / "report.html").read_text("utf-8")
    results = results_of(folder)
    for cell in results["cells"]:
        assert cell["id"] in page


def test_old_runs_are_reported_side_by_side(copied, tmp_path, steerkit):
    folders = [copied(name) for name in RUNS]
    steerkit("report", *folders, "--out", tmp_path / "all.html")
    page = (tmp_path / "all.html").read_text("utf-8")
    for folder in folders:
        assert results_of(folder)["selected"] in page


@EVERY_RUN
def test_cells_of_an_old_run_are_compared(name, steerkit):
    recorded = results_of(OLD_RUNS / name)["comparisons"]
    assert recorded
    for known in recorded[:2]:
        cells = ("--cell", known["cell"], "--cell", known["reference"])
        now = json.loads(steerkit("compare", OLD_RUNS / name, OLD_RUNS / name, *cells, "--json"))
        same({key: known[key] for key in ("label", "test", "n", "cohens_h", "difference")}, now)
        if known["test"] == "mcnemar":
            counts = ("both", "first_only", "second_only", "neither")
            assert [now[key] for key in counts] == [
                known[key] for key in ("both", "cell_only", "reference_only", "neither")
            ]
            assert now["p"] == pytest.approx(known["p"], rel=MEASURED)


def test_two_old_runs_are_compared(steerkit):
    now = json.loads(steerkit("compare", OLD_RUNS / "quickstart", OLD_RUNS / "grid", "--json"))
    for side, name in (("first", "quickstart"), ("second", "grid")):
        results = results_of(OLD_RUNS / name)
        cell = next(cell for cell in results["cells"] if cell["id"] == results["selected"])
        assert now[side]["cell"] == cell["id"]
        assert now[side]["rate"]["k"] == cell["rates"]["refusal"]["k"]
        assert now[side]["rate"]["n"] == cell["rates"]["refusal"]["n"]


@EVERY_RUN
def test_tables_of_an_old_run_are_exported(name, tmp_path, steerkit):
    results = results_of(OLD_RUNS / name)
    expected = {table: len(rows_of(OLD_RUNS / name / file)) for table, file in TABLES.items()}
    expected |= {table: len(results[table]) for table in ("cells", "comparisons")}
    for table, number in expected.items():
        path = tmp_path / f"{table}.csv"
        steerkit("export", OLD_RUNS / name, "--to", "csv", "--table", table, "--out", path)
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == number
        if table == "cells":
            assert [row["id"] for row in rows] == [cell["id"] for cell in results["cells"]]
            counts = [int(row["counts.refusal"]) for row in rows]
            assert counts == [cell["counts"]["refusal"] for cell in results["cells"]]


def tensors_of(path):
    with safe_open(path, framework="pt") as file:
        return [file.get_tensor(key) for key in file.keys()]  # noqa: SIM118  # reason: not a dict


@EVERY_RUN
def test_directions_of_an_old_run_are_exported(name, tmp_path, steerkit):
    steerkit("export", OLD_RUNS / name, "--to", "safetensors", "--out", tmp_path / "directions.safetensors")
    kept = tensors_of(OLD_RUNS / name / "directions.safetensors")
    for exported in tensors_of(tmp_path / "directions.safetensors"):
        assert any(
            exported.numel() == one.numel() and exported.flatten().equal(one.flatten()) for one in kept
        )
    for form in ("gguf", "repeng", "steering-vectors"):
        steerkit("export", OLD_RUNS / name, "--to", form, "--out", tmp_path / form)
        assert (tmp_path / form).stat().st_size > 0


def test_exported_directions_of_an_old_run_are_imported(tmp_path, steerkit):
    steerkit("export", OLD_RUNS / "quickstart", "--to", "gguf", "--out", tmp_path / "vectors.gguf")
    imported = tmp_path / "imported.safetensors"
    steerkit("import", tmp_path / "vectors.gguf", "--model", "bundled:qwen2-s", "--out", imported)
    assert imported.stat().st_size > 0


def test_an_old_run_is_opened_from_python():
    for name in RUNS:
        report = steerkit_core.open_run(OLD_RUNS / name)
        results = results_of(OLD_RUNS / name)
        assert report.selected.id == results["selected"]
        assert len(report.cells) == len(results["cells"])
        assert len(report.completions()) == len(rows_of(OLD_RUNS / name / "completions.jsonl"))
        assert len(report.to_dataframe("comparisons")) == len(results["comparisons"])
        assert report.directions().at(report.selected.layer, report.selected.position)


def test_labels_of_an_old_run_are_held_against_its_verdicts(steerkit):
    folder = OLD_RUNS / "quickstart"
    with (folder / "labels.csv").open(newline="") as file:
        labels = {(row["cell"], row["prompt_id"]): row["label"] for row in csv.DictReader(file)}
    verdicts = {(row["cell"], row["prompt_id"]): row["label"] for row in rows_of(folder / "verdicts.jsonl")}
    equal = sum(verdicts[place] == label for place, label in labels.items())
    agreed = json.loads(steerkit("agree", folder, "--early", "--json"))
    pair = agreed["pairs"][0]
    assert pair["n"] == len(labels)
    assert pair["agreement"]["k"] == equal


def test_an_old_run_is_judged_anew_by_another_judge(copied, steerkit):
    folder = copied("quickstart")
    raters = "refusal-keywords,refusal-tiered"
    agreed = json.loads(steerkit("agree", folder, "--classifiers", raters, "--early", "--json"))
    assert agreed["pairs"][0]["n"] > 0


@EVERY_RUN
def test_an_old_run_is_resumed_to_the_same_texts_and_rates(name, copied, steerkit):
    folder = copied(name)
    kept = interrupt(folder)
    steerkit(*RUNS[name], "--out", folder, "--quiet")
    lines = (folder / "completions.jsonl").read_bytes().splitlines(keepends=True)
    assert lines[: len(kept)] == kept
    assert found(folder) == found(OLD_RUNS / name)
    same(results_of(OLD_RUNS / name), results_of(folder))
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert len(manifest["resumed"]) == 1
    assert manifest["finished"]


@EVERY_RUN
def test_the_command_that_is_shown_resumes_an_old_run(name, copied, steerkit):
    folder = copied(name)
    before = (folder / "completions.jsonl").read_bytes()
    (folder / "results.json").unlink()
    command = json.loads(steerkit("show", folder, "--json"))["command"]
    steerkit(*shlex.split(command)[1:], "--quiet")
    assert (folder / "completions.jsonl").read_bytes() == before
    assert found(folder) == found(OLD_RUNS / name)


@EVERY_RUN
def test_a_new_run_of_the_same_recipe_comes_to_the_same(name, tmp_path, steerkit):
    steerkit(*RUNS[name], "--out", tmp_path / "new", "--quiet")
    assert found(tmp_path / "new") == found(OLD_RUNS / name)


def test_old_stability_curves_come_out_the_same(tmp_path, steerkit):
    steerkit(*STABILITY, "--out", tmp_path / "stability")
    recorded, now = (
        json.loads((folder / "stability.json").read_text("utf-8"))
        for folder in (OLD_RUNS / "stability", tmp_path / "stability")
    )
    same(recorded, now)
