"""`steerkit replicate` from end to end, on a study of one table and a model of four layers."""

import csv
import json
import shutil

import pandas as pd
import pytest

import steerkit_core
from steerkit_core.cli import execute
from steerkit_core.results.run_directory import RunDirectory
from steerkit_paper import records
from steerkit_paper.pack import load

MAPPING = """
schema_version = 1
rules = ["A rule."]
stand_in = "A stand-in."

[[tables]]
id = "rates"
columns = [
    { column = "coherent", quantity = "refusal" },
    { column = "garbled", quantity = "garbled" },
    { column = "normal", quantity = "normal" },
    { column = "layer", quantity = "layer" },
]
rows = [
    { row = "A", bundled = { recipe = RECIPE, model = MODEL, why = "small" }, paper = { recipe = RECIPE, model = MODEL, why = "its own" } },
    { row = "B", bundled = { recipe = OTHER, model = MODEL, why = "small" }, no_paper = "no weights here" },
]

[[tables]]
id = "other"
reason = "nothing extracts it"

[[claims]]
id = "try"
table = "rates"
says = "A refuses more often than B"
source = "1"
test = "higher"
about = ["a.coherent", "b.coherent"]
"""


@pytest.fixture
def pack(host, capsys, monkeypatch, tmp_path, small, write_recipe, model_folder):
    """The study and its recipes; `run(...)` gives exit code, output and errors of a command line."""
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "study.toml").write_text(small(), encoding="utf-8")
    monkeypatch.setattr(records, "DATA", tmp_path / "study.toml")
    (tmp_path / "recipes").mkdir()
    recipe = write_recipe(tmp_path / "recipes")
    other = recipe.with_name("other.toml")
    other.write_text(recipe.read_text().replace("[2.0, 8.0]", "[4.0]"))
    text = MAPPING.replace("RECIPE", json.dumps(str(recipe))).replace("OTHER", json.dumps(str(other)))
    target = tmp_path / "mapping.toml"
    target.write_text(text.replace("MODEL", json.dumps(str(model_folder))))
    monkeypatch.setattr(load, "DATA", target)

    def run(*arguments):
        capsys.readouterr()
        code = execute(["replicate", *arguments], host)
        return code, *capsys.readouterr()

    run.other = other
    return run


def replicated(pack, *arguments):
    code, out, err = pack("--out", "out", "--json", *arguments)
    assert code == 0, err
    return json.loads(out)


def test_a_table_from_end_to_end(pack, tmp_path):
    found = replicated(pack)
    folder = tmp_path / "out"
    assert found == json.loads((folder / "replicate.json").read_text("utf-8"))
    assert (found["models"], found["rules"]) == ("bundled", ["A rule."])
    (table,) = found["tables"]
    rows = {row["id"]: row for row in table["rows"]}
    assert list(rows) == ["a.coherent", "a.garbled", "a.normal", "a.layer", "b.coherent", "b.thirty"]
    results = json.loads((folder / rows["a.coherent"]["run"] / "results.json").read_text("utf-8"))
    (chosen,) = [cell for cell in results["cells"] if cell["selected"]]
    for label, name in (("refusal", "a.coherent"), ("garbled", "a.garbled"), ("normal", "a.normal")):
        assert rows[name]["cell"] == chosen["id"]
        assert (rows[name]["ours"]["k"], rows[name]["ours"]["n"]) == (chosen["counts"][label], 5)
    # fifty runs of ten prompts are ten observations
    assert [rows["b.coherent"]["paper"][part] for part in ("k", "n")] == [6, 10]
    assert rows["a.layer"]["ours"]["value"] == chosen["layer"]
    assert all(row["same_model"] is False for row in rows.values())
    assert found["summary"]["runs"] == {"run": 2, "not run": 0}
    assert found["summary"]["cells"] == {
        verdict: [row["verdict"] for row in rows.values()].count(verdict)
        for verdict in ("agrees", "differs", "not comparable")
    }
    (claim,) = table["claims"]
    # 10/10 against 6/10: Newcombe from 4 to 69 points
    assert claim["paper"] == {"outcome": "holds", "numbers": "10/10 against 6/10, +40 (4 to 69)"}


def test_the_files(pack, tmp_path):
    code, out, err = pack("--out", "out", "--quiet")
    assert (code, err) == (0, "")
    names = [f"out/replicate.{suffix}" for suffix in ("json", "csv", "md", "html")]
    assert out.splitlines()[-4:] == names
    found = json.loads((tmp_path / "out" / "replicate.json").read_text("utf-8"))["tables"][0]["rows"]
    frame = pd.read_csv(tmp_path / "out" / "replicate.csv")
    assert list(frame["id"]) == [row["id"] for row in found]
    assert list(frame["verdict"]) == [row["verdict"] for row in found]
    assert frame.loc[0, "paper_low"] == pytest.approx(found[0]["paper"]["low"])
    with (tmp_path / "out" / "replicate.csv").open(newline="") as lines:
        assert len(list(csv.reader(lines))) == 7
    page = (tmp_path / "out" / "replicate.html").read_text("utf-8")
    markdown = (tmp_path / "out" / "replicate.md").read_text("utf-8")
    for text in ("A rule.", "A stand-in.", "A refuses more often than B", "10/10, 72-100%"):
        assert text in page
        assert text in markdown
    # nothing is fetched: no source but the page's own links to the runs
    assert "src=" not in page
    assert "http" not in page
    assert 'href="runs/recipe-tiny/report.html"' in page
    assert (tmp_path / "out" / "runs" / "recipe-tiny" / "report.html").exists()


def test_the_page_begins_with_what_is_claimed_and_says_where_each_number_is_printed(pack, tmp_path):
    replicated(pack)
    page = (tmp_path / "out" / "replicate.html").read_text("utf-8")
    overview, _, rest = page.partition('<h2 id="rates">')
    assert overview.index("A refuses more often than B") < overview.index("A rule.")
    assert "on bundled models" in overview
    # every cell of the study is printed in its section 1: said once, as long as it stays the same
    assert rest.count("<small>1</small>") == 1 + 1  # the claim's, and the cells'
    assert "| A | coherent | 100% | 1 |" in (tmp_path / "out" / "replicate.md").read_text("utf-8")


def test_a_setting_is_shown_and_not_compared(pack, tmp_path):
    path = tmp_path / "mapping.toml"
    text = path.read_text("utf-8")
    for old, new in (
        ('"garbled" }', '"unsteered" }'),
        ('quantity = "normal" }', 'quantity = "interval", reason = "a setting" }'),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    found = replicated(pack)
    rows = {row["id"]: row for row in found["tables"][0]["rows"]}
    setting, rate = rows["a.normal"], rows["a.coherent"]["ours"]
    assert (setting["verdict"], setting["why"], setting["difference"]) == (
        "not comparable",
        "a setting",
        None,
    )
    assert [setting["ours"][name] for name in ("low", "high", "k")] == [rate["low"], rate["high"], None]
    results = json.loads((tmp_path / "out" / rows["a.garbled"]["run"] / "results.json").read_text("utf-8"))
    (baseline,) = [cell for cell in results["cells"] if cell["role"] == "baseline"]
    assert rows["a.garbled"]["ours"]["k"] == baseline["counts"]["refusal"]
    assert rows["a.garbled"]["cell"] == baseline["id"]


def test_a_finished_table_is_not_run_again(pack, monkeypatch):
    first = replicated(pack)
    assert [run["status"] for run in first["runs"]] == ["run", "run"]
    assert all(run["generated"] == run["completions"] > 0 for run in first["runs"])

    def refuse(*_, **__):
        raise AssertionError("a finished run was run again")

    monkeypatch.setattr(steerkit_core, "run_recipe", refuse)
    again = replicated(pack)
    assert [(run["status"], run["generated"]) for run in again["runs"]] == [("kept", 0), ("kept", 0)]
    assert [table["rows"] for table in again["tables"]] == [table["rows"] for table in first["tables"]]


def test_a_killed_pack_goes_on(pack, monkeypatch, tmp_path):
    whole = replicated(pack)
    shutil.rmtree(tmp_path / "out")
    append, made = RunDirectory.append, []

    def killed(self, cell, completion):
        if len(made) == 7:
            raise KeyboardInterrupt
        append(self, cell, completion)
        made.append(completion)

    monkeypatch.setattr(RunDirectory, "append", killed)
    assert pack("--out", "out", "--json")[0] == 130
    monkeypatch.setattr(RunDirectory, "append", append)
    again = replicated(pack)
    first, second = again["runs"]
    assert first["generated"] == first["completions"] - 7
    assert second["generated"] == second["completions"]
    assert again["tables"][0]["rows"] == whole["tables"][0]["rows"]
    assert again["summary"] == whole["summary"]


def test_fresh_sets_earlier_runs_aside(pack, tmp_path):
    replicated(pack)
    again = replicated(pack, "--fresh")
    assert all(run["generated"] == run["completions"] for run in again["runs"])
    assert (tmp_path / "out" / "runs" / "recipe-tiny.1" / "results.json").exists()


def test_a_run_that_fails_is_a_row_and_the_others_go_on(pack):
    pack.other.write_text(pack.other.read_text().replace('use = "dim"', 'use = "dimm"'))
    found = replicated(pack)
    reason = "extractor.use: no extractor named 'dimm', did you mean 'dim'?"
    assert [run["status"] for run in found["runs"]] == ["run", "not run"]
    assert found["runs"][1]["reason"].startswith(reason)
    rows = {row["id"]: row for row in found["tables"][0]["rows"]}
    assert rows["a.coherent"]["verdict"] in ("agrees", "differs")
    assert rows["b.coherent"]["verdict"] == "not comparable"
    assert rows["b.coherent"]["why"].startswith(f"not run: {reason}")
    assert found["tables"][0]["claims"][0]["ours"]["outcome"] == "no numbers"
    # put right, the same command runs what is missing and nothing else
    pack.other.write_text(pack.other.read_text().replace('use = "dimm"', 'use = "dim"'))
    assert [run["status"] for run in replicated(pack)["runs"]] == ["kept", "run"]


def test_a_table_of_which_nothing_can_be_run(pack, tmp_path):
    for path in (pack.other, pack.other.with_name("recipe.toml")):
        path.write_text(path.read_text().replace('use = "dim"', 'use = "dimm"'))
    code, _, err = pack("rates", "--out", "out", "--quiet")
    assert code == 2
    assert err.startswith("error: nothing could be run: extractor.use: no extractor named 'dimm'")
    assert (tmp_path / "out" / "replicate.html").exists()


def test_tables_of_earlier_commands_stay_in_the_report(pack):
    replicated(pack, "rates")
    found = replicated(pack, "other")
    assert [table["id"] for table in found["tables"]] == ["rates", "other"]
    assert [run["status"] for run in found["runs"]] == ["kept", "kept"]
    assert [row["why"] for row in found["tables"][1]["rows"]] == ["nothing extracts it"]


def test_on_the_papers_own_models_its_layers_are_meant(pack):
    found = replicated(pack, "--models", "paper")
    assert found["models"] == "paper"
    rows = {row["id"]: row for row in found["tables"][0]["rows"]}
    assert rows["a.layer"]["same_model"] is True
    # the paper's is layer 10, and the model has four
    assert (rows["a.layer"]["verdict"], rows["a.layer"]["why"]) == ("differs", "another layer was chosen")
    assert rows["b.coherent"]["why"] == "no weights here"
    assert len(found["runs"]) == 1


def test_a_folder_that_holds_something_else(pack, tmp_path, says):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.docx").write_text("")
    message = (
        "error: --out: 'out' holds 'thesis.docx' and is no replication's: choose an empty or new folder\n"
    )
    assert pack("--out", "out") == (2, "", message)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["thesis.docx"]
    code, out, err = pack("--out", "study.toml")
    assert (code, out) == (2, "")
    says(err)


def test_a_folder_with_a_replication_on_other_models(pack):
    replicated(pack)
    message = (
        "error: --out: 'out' holds a replication on the bundled models, not the paper models:"
        " choose another folder\n"
    )
    assert pack("--out", "out", "--models", "paper") == (2, "", message)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("rate",), "error: the paper has no table 'rate', did you mean 'rates'? (known: rates, other)\n"),
        (
            ("--models", "big"),
            "Error: Invalid value for '--models': 'big' is not one of 'bundled', 'paper'.\n",
        ),
    ],
)
def test_bad_input(pack, arguments, message):
    code, out, err = pack(*arguments)
    assert (code, out) == (2, "")
    assert err.endswith(message)
