"""`steerkit replicate` as a user sees it."""

import json
import re
import subprocess
import sys

import pytest

from steerkit_paper import records


@pytest.fixture
def steerkit(give, monkeypatch):
    """Run one command line; gives its exit code, output and errors."""
    monkeypatch.setenv("COLUMNS", "120")
    return give


@pytest.fixture
def study(tmp_path, monkeypatch, small):
    """Put the small study in the place of the paper, with one part of it changed."""

    def put(old="", new=""):
        path = tmp_path / "study.toml"
        path.write_text(small(old, new), encoding="utf-8")
        monkeypatch.setattr(records, "DATA", path)

    return put


def lines(text):
    return [re.sub(r" +", " ", line).strip() for line in text.splitlines() if line.strip()]


SUMMARY = [
    "2 of them count repeats of a prompt as observations; by prompt, 2 of these are not as printed",
    "4 rates at n = 50: 4 of them are k of 10 prompts",
    "1 printed intervals, reproduced by Wilson 1, Wilson, corrected 0, Clopper-Pearson 1, normal 0, Agresti-Coull 0, Jeffreys 0",
    "7 rates, depths and rows against their own parts: 0 wrong",
]


def test_the_whole_output(steerkit, study):
    study()
    code, out, err = steerkit("replicate", "--audit")
    assert (code, err) == (0, "")
    found = [line for line in lines(out) if not set(line) <= {"─"}]
    assert found == [
        "Rates (1)",
        "printed ours by prompt verdict",
        "interval of A [92.9%, 100%] [92.9%, 100.0%] [72.2%, 100.0%] holds, not by prompt",
        "A against B p < 0.001 1.8e-07 0.087 holds, not by prompt",
        "A less B 40pp 40pp holds",
        "Other (2)",
        "printed ours by prompt verdict",
        "angle 60° 60° holds",
        "a norm 12.5 cannot be recomputed 1",
        "1 needs the direction",
        "not in the paper, from its counts; each prompt counts once",
        "A against B (10/10, 6/10): difference 0.4, low 0.038, high 0.69, Cohen's h 1.4, Fisher p 0.087, McNemar p, least 0.12, McNemar p, most 0.12",
        "claims",
        "A beats B: not shown; by prompt it does not",
        "5 printed figures: 4 hold, 0 differ (0 of them in the last digit), 1 cannot be recomputed",
        *SUMMARY,
        "3 quantities that stand in several places: 0 differ",
    ]


def test_a_wrong_figure_is_seen(steerkit, study):
    study("values = [92.9, 100.0]", "values = [59.1, 88.2]")
    code, out, _ = steerkit("replicate", "--audit")
    assert code == 0
    assert "interval of A [92.9%, 100%] [92.87%, 100.00%] [72.2%, 100.0%] differs" in lines(out)
    assert "5 printed figures: 3 hold, 1 differ (0 of them" in "\n".join(lines(out))


def test_a_contradiction_is_seen(steerkit, study):
    study('{ says = "1", source = "table" }', '{ says = "2", source = "table" }')
    _, out, _ = steerkit("replicate", "--audit")
    assert "number of models: 1 (abstract); 2 (table)" in lines(out)
    assert any(line.startswith("3 quantities") and line.endswith("1 differ") for line in lines(out))


def test_a_wrong_cell_is_seen(steerkit, study):
    study('printed = "60%", value = 60.0', 'printed = "61%", value = 61.0')
    _, out, _ = steerkit("replicate", "--audit")
    assert "b.coherent: 61%, ours 60.0%" in lines(out)


FINDING = {
    "id": str, "table": str, "section": str, "what": str, "measure": (str, type(None)), "printed": str,
    "decimals": int, "relation": str, "status": str, "ours": (list, type(None)), "last_digit": bool,
    "by_prompt": (list, type(None)), "by_prompt_holds": (bool, type(None)), "found_by": list, "note": str,
}  # fmt: skip


def test_json_has_a_schema(steerkit):
    code, out, err = steerkit("replicate", "--audit", "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert list(found) == [
        "schema_version", "paper", "sources", "summary", "methods", "findings", "steps", "sums",
        "disagreements", "additions", "claims",
    ]  # fmt: skip
    assert found["schema_version"] == 1
    for finding in found["findings"]:
        assert set(finding) == set(FINDING)
        for name, kind in FINDING.items():
            assert isinstance(finding[name], kind), name
        assert finding["status"] in ("holds", "differs", "cannot be recomputed")
        assert (finding["ours"] is None) == (finding["status"] == "cannot be recomputed")
    statuses = [finding["status"] for finding in found["findings"]]
    assert found["summary"]["printed"] == len(statuses)
    assert found["summary"]["differs"] == statuses.count("differs")
    for entry in found["steps"]:
        assert set(entry) == {"n", "unique", "rates", "whole", "source"}
    for entry in found["sums"]:
        assert set(entry) == {"id", "table", "kind", "printed", "ours", "holds"}
    for entry in found["disagreements"]:
        assert set(entry) == {"id", "table", "what", "sides", "note"}
        assert all(set(side) == {"says", "source"} for side in entry["sides"])
    for entry in found["additions"]:
        assert set(entry) == {"id", "table", "what", "counts", "values", "note"}
    for entry in found["claims"]:
        assert set(entry) == {"id", "claim", "verdict", "why", "source", "evidence"}


def test_files(steerkit, study, tmp_path):
    study("values = [40.0]", "values = [45.0]")
    folder = tmp_path / "a" / "b"
    code, out, err = steerkit("replicate", "--audit", "--json", "--out", str(folder))
    assert code == 0
    assert lines(err) == [str(folder / name) for name in ("audit.json", "audit.md", "audit.html")]
    assert json.loads((folder / "audit.json").read_text("utf-8")) == json.loads(out)
    markdown = (folder / "audit.md").read_text("utf-8")
    assert "| A less B | 1 | 40pp | 40.0pp |  | differs |  |" in markdown
    assert "- 5 printed figures: 3 hold, 1 differ (0 of them" in markdown
    page = (folder / "audit.html").read_text("utf-8")
    assert '<td class="differs">differs</td>' in page
    assert "p &lt; 0.001" in page


def test_files_are_named_at_the_end(steerkit, study, tmp_path):
    study()
    _, out, _ = steerkit("replicate", "other", "--audit", "--out", str(tmp_path / "out"))
    assert out.splitlines()[-1] == str(tmp_path / "out" / "audit.html")


def test_the_pack_is_listed(steerkit, study, says):
    study()
    code, out, _ = steerkit("replicate", "--list")
    assert code == 0
    says("\n".join(lines(out)[2:]))
    assert "rates" not in steerkit("replicate", "--list", "other")[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("rate", "--audit"), "the paper has no table 'rate', did you mean 'rates'? (known: rates, other)"),
        (("zzz",), "the paper has no table 'zzz' (known: rates, other)"),
        (("--list", "--json"), "--json says nothing with --list"),
        (("--list", "--out", "x"), "--out says nothing with --list"),
        (("--audit", "--fresh"), "--fresh says nothing with --audit"),
        (("--audit", "--models", "paper"), "--models paper says nothing with --audit"),
        (("--audit", "--list"), "--list and --audit: choose one of them"),
    ],
)
def test_bad_input_is_one_sentence(steerkit, study, arguments, message):
    study()
    assert steerkit("replicate", *arguments) == (2, "", f"error: {message}\n")


def test_a_folder_that_cannot_be_written_to(steerkit, study, tmp_path, says):
    study()
    (tmp_path / "file").write_text("")
    code, _, err = steerkit("replicate", "--audit", "--out", str(tmp_path / "file" / "below"))
    assert code == 2
    says(err)


def test_help_has_an_example(steerkit):
    assert "steerkit replicate --audit" in steerkit("replicate", "--help")[1]


def test_no_model_is_needed():
    """Neither torch nor transformers is imported."""
    script = (
        "import sys, steerkit_paper\n"
        "from steerkit_core.cli import execute\n"
        "from steerkit_core.plugin.host import Host\n"
        "host = Host.load(points=[])\n"
        "host.register(steerkit_paper, 'paper')\n"
        "assert execute(['replicate', '--audit', '--json'], host) == 0\n"
        "assert not {'torch', 'transformers'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
