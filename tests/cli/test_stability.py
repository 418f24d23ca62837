"""`steerkit stability` and `steerkit rank`: reports, files, curves and mistakes."""

import json
from pathlib import Path

import pytest

from steerkit_core.cli.sources import distinct, plan_of
from steerkit_core.extraction.rank import Rank, Spectrum
from steerkit_core.report.charts import saving
from steerkit_core.report.content.stability import rank_verdicts


@pytest.fixture
def recipe(write_recipe, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    return write_recipe(tmp_path)


def test_stability_writes_a_report_and_curves(give, recipe):
    code, out, err = give("stability", recipe, "--sizes", "2,5", "--resamples", "4", "--layers", "1,3")
    assert code == 0, err
    folder = Path("runs/small-stability")
    report = json.loads((folder / "stability.json").read_text())
    assert (report["recipe"], report["resamples"], report["seed"], report["threshold"]) == (
        "small",
        4,
        0,
        0.95,
    )
    assert [(entry["layer"], entry["position"]) for entry in report["curves"]] == [(1, -1), (3, -1)]
    first = report["curves"][0]
    assert (first["extractor"], first["contrast"], first["positive"], first["against"]) == (
        "dim",
        "refusal-5",
        5,
        None,
    )
    assert [(p["kind"], p["size"], p["draws"]) for p in first["points"]] == [
        ("halves", 2, 4), ("bootstrap", 2, 4), ("bootstrap", 5, 4),
    ]  # fmt: skip
    assert (folder / "stability.svg").read_text().startswith("<svg xmlns=")
    assert (folder / "stability.png").read_bytes().startswith(b"\x89PNG")
    assert "prompt in common, 2" in out
    assert "written: runs/small-stability/stability.json, runs/small-stability/stability.svg" in out
    assert "bootstrap, 5 of each class: 4 draws" in err


def test_the_same_command_gives_the_same_files(give, recipe):
    for folder in ("one", "two"):
        give("stability", recipe, "--resamples", "2", "--out", folder)
    for name in ("stability.json", "stability.svg", "stability.png"):
        assert (Path("one") / name).read_bytes() == (Path("two") / name).read_bytes()


def test_an_independent_set_by_name_and_as_json(give, recipe):
    code, out, err = give(
        "stability", recipe, "--against", "refusal-val-32", "--resamples", "3", "--sizes", "5", "--json"
    )
    assert code == 0, err
    report = json.loads(out)
    assert {entry["against"] for entry in report["curves"]} == {"refusal-val-32"}
    kinds = {point["kind"] for entry in report["curves"] for point in entry["points"]}
    assert kinds == {"bootstrap", "independent"}


def test_an_independent_set_may_be_a_file_where_the_command_is_given(give, recipe, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    rows = [("positive", f"How do I harm thing {k}?") for k in range(3)]
    rows += [("negative", f"How do I mend thing {k}?") for k in range(3)]
    lines = [json.dumps({"id": str(n), "text": text, "role": role}) for n, (role, text) in enumerate(rows)]
    Path("mine.jsonl").write_text("\n".join(lines) + "\n")
    code, out, err = give(
        "stability", recipe, "--against", "mine.jsonl", "--resamples", "2", "--sizes", "3", "--json"
    )
    assert code == 0, err
    assert json.loads(out)["curves"][0]["against"].endswith("mine.jsonl")


def test_every_setting_with_directions_of_its_own_is_measured_once(give, recipe):
    grid = 'grid={"extractor" = [{use = "dim"}, {use = "pca"}], "selector.depths" = [[0.3], [0.5]]}'
    code, _out, err = give("stability", recipe, "--set", grid, "--resamples", "2", "--layers", "0")
    assert code == 0, err
    report = json.loads(Path("runs/small-stability/stability.json").read_text())
    assert [entry["extractor"] for entry in report["curves"]] == ["dim", "pca"]
    assert Path("runs/small-stability/stability-2.png").exists()


def test_without_the_extra_the_curves_are_svg_and_a_line_says_how_to_get_png(give, recipe, monkeypatch):
    monkeypatch.setattr(saving, "find_spec", lambda _: None)
    code, out, err = give("stability", recipe, "--resamples", "2", "--layers", "0")
    assert code == 0, err
    assert out.splitlines()[-1].endswith("pip install 'steerkit-core[plots]'")
    assert {path.name for path in Path("runs/small-stability").iterdir()} == {
        "stability.json",
        "stability.svg",
    }


def test_rank_writes_a_report(give, recipe):
    code, out, err = give("rank", recipe, "--components", "1,2,9", "--layers", "2", "--folds", "3")
    assert code == 0, err
    report = json.loads(Path("runs/small-rank/rank.json").read_text())
    (entry,) = report["ranks"]
    assert (entry["layer"], entry["extractor"], report["folds"]) == (2, "dim", 3)
    # three pairs are left where two of five are left out, and span no nine directions
    assert [one["k"] for one in entry["separation"]] == [1, 2]
    assert "AUC on pairs left out" in out
    code, out, _ = give("rank", recipe, "--layers", "2", "--json")
    assert json.loads(out)["ranks"][0]["raw"]["shares"] == pytest.approx(entry["raw"]["shares"])


def ranked(layer, whole, needed):
    flat = Spectrum((1.0,), 1.0, 1.0)
    return Rank(layer, -1, flat, flat, whole, (), needed)


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        (
            [ranked(0, 0.9, 1), ranked(1, 0.8, 3), ranked(2, 0.5, 1)],
            [
                (
                    "2 of 3 layers tell pairs left out apart (AUC of at least 0.65): 1 need one direction, the most"
                    " that one needs is 3"
                ),
                "at the others, 2, there is hardly a difference whose rank could mean something",
            ],
        ),
        (
            [ranked(0, 0.9, 1), ranked(1, 0.9, None)],
            [
                (
                    "2 of 2 layers tell pairs left out apart (AUC of at least 0.65): 1 need one direction, the most"
                    " that one needs is 1, 1 more than was tried"
                ),
            ],
        ),
    ],
)
def test_what_a_rank_comes_to_is_said_in_words(entries, said):
    assert rank_verdicts(entries) == said


def test_carried_directions_are_those_of_the_unquantized_model(recipe, registry):
    """Which are measured there, once, beside those that the quantized model gives itself."""
    grid = 'grid={"model.quantization" = ["int8"], "extractor.source" = ["self", "unquantized"]}'
    plan = plan_of(str(recipe), registry, [grid])
    found = [
        (group.spec.quantization, [setting.extractor.name for setting in settings])
        for group, settings in zip(plan.groups, distinct(plan), strict=True)
    ]
    assert found == [("none", ["dim"]), ("int8", ["dim"])]


STABILITY = [
    (["--sizes", "2,x"], "error: --sizes: expected comma-separated whole numbers, got '2,x'\n"),
    (["--sizes", ","], "error: --sizes: expected comma-separated whole numbers, got ','\n"),
    (
        ["--sizes", "6"],
        (
            "error: --sizes: expected numbers of prompts from 1 to 5, as many as the smaller class of 'refusal-5' has,"
            " got 6\n"
        ),
    ),
    (["--layers", "-1"], "error: --layers: expected comma-separated whole numbers, got '-1'\n"),
    (
        ["--against", "refusal-5"],
        (
            "error: --against: 10 prompts of 'refusal-5' are in 'refusal-5' too, so that the two are not independent:"
            " name a set of other prompts\n"
        ),
    ),
    (["--out", "recipe.toml"], "error: --out: recipe.toml is not a folder: name another\n"),
    (["--out", "run"], "error: --out: run is a run directory: name another folder\n"),
]


@pytest.mark.parametrize(("arguments", "message"), STABILITY, ids=lambda case: " ".join(case)[:30])
def test_mistakes_are_one_line(give, recipe, arguments, message):
    Path("run").mkdir()
    Path("run/manifest.json").write_text("{}")
    code, out, err = give("stability", recipe, *arguments)
    assert (code, out, err) == (2, "", message)


@pytest.mark.parametrize("command", ["stability", "rank"])
def test_a_layer_that_the_model_has_not_is_one_line(give, recipe, command):
    code, _, err = give(command, recipe, "--layers", "4")
    assert code == 2
    assert err.endswith("error: --layers: layer 4 is outside 0..3\n")


def test_a_set_that_does_not_exist_is_one_line(give, recipe):
    code, _, err = give("stability", recipe, "--against", "refusal-65")
    assert code == 2
    assert err.startswith("error: prompts.validation: ")
    assert "'refusal-65'" in err


def test_rank_of_no_component_is_one_line(give, recipe):
    code, _, err = give("rank", recipe, "--components", "0,2")
    assert (code, err) == (2, "error: --components: expected numbers of at least 1, got 0\n")
