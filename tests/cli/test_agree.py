"""`steerkit agree`: counts by hand on a made run, and every bad input with its whole message."""

import json
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import pytest
from attrs import frozen

from steerkit_core import Classifier, Verdict, hookimpl, option
from steerkit_core.stats import wilson
from steerkit_core.testing import save_tiny


@frozen(kw_only=True)
class Timid(Classifier):
    """A refusal is whatever says no."""

    name: ClassVar[str] = "timid"
    word: str = option("no", help="what a refusal says")

    def classify(self, prompt, text):
        return Verdict("refusal" if self.word in text.lower() else "normal", "word", self.word)


class Own:
    @hookimpl
    def steerkit_register_classifiers(self):
        return [Timid]


@pytest.fixture
def steerkit(own_host, give):
    own_host.register(Own(), "own")
    return give


LABELS = "prompt_id,cell,label,rater\n"
# what the made run's seven texts are to the two people; bob has seen four
ALICE = {
    "p1": "refusal",
    "p2": "refusal",
    "p3": "refusal",
    "p4": "garbled",
    "p5": "normal",
    "p6": "garbled",
    "p7": "normal",
}
BOB = {"p1": "refusal", "p2": "normal", "p4": "garbled", "p5": "normal"}


def labelled(folder, name="labels.csv", **people):
    rows = [
        f"{prompt},c1,{label},{who}\n" for who, given in people.items() for prompt, label in given.items()
    ]
    path = folder / name
    path.write_text(LABELS + "".join(rows))
    return path


def answer(found):
    code, out, err = found
    assert (code, err) == (0, "")
    return json.loads(out)


def test_two_classifiers_on_a_made_run(made_run, steerkit):
    made_run()
    found = answer(steerkit("agree", "made", "--classifiers", "refusal-keywords,timid", "--json"))
    assert (found["texts"], found["rows"], found["prompts"]) == (7, 9, 7)
    assert found["left_out"] == {"early": 1, "failed": 1}
    keywords, timid = found["raters"]
    assert keywords["counts"] == {"refusal": 3, "garbled": 1, "normal": 3}
    assert timid["counts"] == {"refusal": 2, "normal": 5}  # "cannot" and "No"
    assert timid["options"] == {"word": "no"}
    (pair,) = found["pairs"]
    assert pair["labels"] == ["refusal", "garbled", "normal"]
    assert pair["table"] == [[2, 0, 1], [0, 0, 1], [0, 0, 3]]
    interval = wilson(5, 7)
    assert pair["agreement"] == {"k": 5, "n": 7, "rate": 5 / 7, "low": interval.low, "high": interval.high}
    chance = (3 * 2 + 1 * 0 + 3 * 5) / 49
    assert pair["kappa"]["value"] == pytest.approx((5 / 7 - chance) / (1 - chance))
    assert [(row["prompt_id"], row["text"]) for row in found["disagreements"]] == [
        ("p2", "I'm sorry, I won't."),
        ("p4", "word word word word word word word"),
    ]
    assert found["disagreements"][0]["verdicts"] == {
        "refusal-keywords": {"label": "refusal", "rule": "keyword", "evidence": "i won't"},
        "timid": {"label": "normal", "rule": "word", "evidence": "no"},
    }
    assert found["fleiss"] is None
    assert found["notes"] == []


def test_a_classifier_against_two_people(made_run, steerkit):
    labelled(made_run(), alice=ALICE, bob=BOB)
    found = answer(steerkit("agree", "made", "--json"))
    assert [rater["name"] for rater in found["raters"]] == [
        "refusal-keywords",
        "person:alice",
        "person:bob",
    ]
    assert [rater["n"] for rater in found["raters"]] == [7, 7, 4]
    pairs = {tuple(pair["raters"]): pair for pair in found["pairs"]}
    assert pairs["refusal-keywords", "person:alice"]["table"] == [[3, 0, 0], [0, 1, 0], [0, 1, 2]]
    assert pairs["refusal-keywords", "person:bob"]["table"] == [[1, 0, 1], [0, 1, 0], [0, 0, 1]]
    assert pairs["person:alice", "person:bob"]["n"] == 4
    # four texts that all three have: in three of them all agree, in one two of three
    chance = (5 / 12) ** 2 + (3 / 12) ** 2 + (4 / 12) ** 2
    assert found["fleiss"] == {
        "raters": 3,
        "n": 4,
        "kappa": pytest.approx((10 / 12 - chance) / (1 - chance)),
    }
    assert [row["prompt_id"] for row in found["disagreements"]] == ["p2", "p6"]
    assert set(found["disagreements"][1]["verdicts"]) == {"refusal-keywords", "person:alice"}


def test_one_person_of_several_is_named(made_run, steerkit):
    labelled(made_run(), alice=ALICE, bob=BOB)
    found = answer(steerkit("agree", "made", "--classifiers", "timid,person:bob", "--json"))
    assert [rater["name"] for rater in found["raters"]] == ["timid", "person:bob"]


def test_labels_of_a_file_without_raters_and_with_other_columns(made_run, steerkit):
    made_run()
    rows = "label, note, cell, prompt_id\nrefusal, x, c1, p1\nnormal,, c2, p5\n"
    Path("mine.csv").write_text(rows, "utf-8-sig")
    found = answer(steerkit("agree", "made", "--labels", "mine.csv", "--json"))
    assert [rater["name"] for rater in found["raters"]] == ["refusal-keywords", "person:anybody"]
    # the text of p5 in c2 is that in c1
    assert found["raters"][1]["counts"] == {"refusal": 1, "normal": 1}


def test_a_text_with_two_labels(made_run, steerkit, says):
    (made_run() / "labels.csv").write_text(LABELS + "p1,c1,refusal,al\np1,c2,normal,al\n")
    found = answer(steerkit("agree", "made", "--json"))
    assert found["raters"][1]["counts"] == {"refusal": 1}
    says("\n".join(found["notes"]))


def test_one_cell_and_texts_that_ended_early(made_run, steerkit, says):
    made_run()
    command = ["agree", "made", "--classifiers", "refusal-keywords,timid", "--json"]
    assert answer(steerkit(*command, "--cell", "c2"))["texts"] == 2
    early = answer(steerkit(*command, "--cell", "c2", "--early"))
    assert (early["texts"], early["left_out"]) == (3, {"early": 0, "failed": 1})
    several = answer(steerkit(*command, "--early"))
    says("\n".join(several["notes"]))


def test_a_classifier_has_the_runs_options_and_then_those_that_are_set(made_run, steerkit):
    made_run([made_run.entry("c1", "timid", word="blue"), made_run.entry("c2", "timid", word="blue")])
    command = ["agree", "made", "--classifiers", "timid,refusal-keywords", "--json"]
    assert answer(steerkit(*command))["raters"][0]["options"] == {"word": "blue"}
    changed = answer(steerkit(*command, "--set", "timid.word=twelve"))
    assert changed["raters"][0]["counts"] == {"refusal": 1, "normal": 6}


def test_what_is_printed(made_run, steerkit, says):
    labelled(made_run(), alice=ALICE)
    code, out, err = steerkit("agree", "made", "--disagreements", "1")
    assert (code, err) == (0, "")
    says("\n".join([line.rstrip() for line in out.splitlines()]))


def test_kappa_that_cannot_be_told_or_says_nothing(made_run, steerkit):
    labelled(made_run(), alice={"p5": "normal", "p6": "normal"}, bob={"p1": "refusal", "p2": "normal"})
    _, out, _ = steerkit("agree", "made", "--classifiers", "refusal-keywords,person:alice,person:bob")
    assert "2/2, 100% (34 to 100%)" in out
    assert "1/2, 50% (9 to 91%)" in out
    assert "no text was judged" in out
    assert "all 3 raters on 0 texts: Fleiss' kappa undefined" in out


def test_a_model_is_asked_once_and_its_judgements_are_kept(made_run, steerkit, tmp_path):
    folder = made_run()
    save_tiny("qwen2", tmp_path / "judge")
    command = [
        "agree",
        "made",
        "--classifiers",
        "refusal-keywords,judge-model",
        "--set",
        "judge-model.model=judge",
    ]
    command += ["--set", "judge-model.rubric={completion}?"]
    code, first, err = steerkit(*command)
    assert (code, err) == (0, "judging 7 texts: judge-model\n")
    kept = (folder / "judgements.jsonl").read_bytes()
    assert len(kept.splitlines()) == 7
    (tmp_path / "judge" / "model.safetensors").rename(tmp_path / "hidden")
    # without its weights the judge is another one, and cannot be had
    assert steerkit(*command)[0] == 2
    (tmp_path / "hidden").rename(tmp_path / "judge" / "model.safetensors")
    assert steerkit(*command)[:2] == (0, first)
    assert (folder / "judgements.jsonl").read_bytes() == kept


def test_scores_of_first_tokens_that_the_run_has_kept(made_run, steerkit):
    logprob = made_run.entry("c1", "refusal-logprob", threshold=0.5, openings=["I"])
    made_run([logprob, made_run.entry("c2", "refusal-logprob", threshold=0.5, openings=["I"])], (0.7, 0.2))
    found = answer(steerkit("agree", "made", "--classifiers", "refusal-logprob,timid", "--json"))
    # equal texts with other scores are not the same to this judge
    assert (found["texts"], found["rows"]) == (9, 9)
    assert found["raters"][0]["counts"] == {"refusal": 7, "normal": 2}


NEEDS = "classifier 'refusal-logprob' needs how likely first tokens were, and made has not kept this in"
BAD = {
    "no such run": (
        ["agree", "gone"],
        None,
        "gone: no such run directory",
    ),
    "no such classifier": (
        ["--classifiers", "refusal-keyword,timid"],
        None,
        "no classifier named 'refusal-keyword', did you mean 'refusal-keywords'? (installed: <classifier>, timid)",
    ),
    "a classifier twice": (["--classifiers", "timid,timid"], None, "--classifiers: 'timid' is named twice"),
    "one rater": (
        [],
        None,
        "need at least two raters, got refusal-keywords: name classifiers with --classifiers, or label texts with `steerkit label made`",
    ),
    "no such person": (
        ["--classifiers", "timid,person:alise"],
        LABELS + "p1,c1,normal,alice\np1,c1,normal,bob\n",
        "made/labels.csv: no labels of 'alise', did you mean 'alice'? (labels of: alice, bob)",
    ),
    "nobody": (
        ["--classifiers", "timid,person:alice"],
        None,
        "made/labels.csv: no labels of 'alice' (labels of: nobody)",
    ),
    "no such cell": (
        ["--classifiers", "timid,refusal-keywords", "--cell", "c3"],
        None,
        "made: no cell 'c3' (cells: c1, c2)",
    ),
    "a change of another form": (
        ["--classifiers", "timid,refusal-keywords", "--set", "word=no"],
        None,
        "--set: expected CLASSIFIER.OPTION=VALUE, got 'word=no' (classifiers: timid, refusal-keywords)",
    ),
    "an unknown option": (
        ["--classifiers", "timid,refusal-keywords", "--set", "timid.words=no"],
        None,
        "timid.words: unknown option, did you mean 'word'? (known: word)",
    ),
    "an option that is required": (
        ["--classifiers", "timid,judge-model"],
        None,
        "judge-model.model: required, but not given",
    ),
    "a judge that is not there": (
        ["--classifiers", "timid,judge-model", "--set", "judge-model.model=./gone"],
        None,
        "judge-model.model: there is no model folder './gone'",
    ),
    "no labels file": (
        ["--labels", "gone.csv"],
        None,
        "gone.csv: no such file",
    ),
    "a column missing": (
        [],
        "prompt,cell,label\n",
        "made/labels.csv: no column 'prompt_id', did you mean 'prompt'?, found prompt, cell, label, expected prompt_id, cell, label and, if several people labelled, rater",
    ),
    "an empty file": (
        [],
        "",
        "made/labels.csv: no column 'prompt_id', found none, expected prompt_id, cell, label and, if several people labelled, rater",
    ),
    "rows that are wrong": (
        [],
        LABELS
        + "p1,c1,refusl,al\np1,c9,normal,al\np99,c1,normal,al\np2,c1,normal,al\np2,c1,garbled,al\np2,c1,garbled,bo\n",
        [
            "made/labels.csv:2: no label 'refusl', did you mean 'refusal'? (labels: refusal, garbled, normal)",
            "made/labels.csv:3: the run has no cell 'c9'",
            "made/labels.csv:4: cell c1 has no prompt 'p99'",
            "made/labels.csv:6: al has labelled prompt 'p2' of cell c1 already, on line 5",
        ],
    ),
    "all rows wrong": (
        [],
        LABELS + "p1,c1,yes,al\n" * 13,
        [
            f"made/labels.csv:{line}: no label 'yes' (labels: refusal, garbled, normal)"
            for line in range(2, 12)
        ]
        + ["made/labels.csv: 3 further lines are wrong"],
    ),
    "scores that the run has not": (
        ["--classifiers", "timid,refusal-logprob"],
        None,
        f"{NEEDS} 2 of 2 cells: run it with classifier.use = 'refusal-logprob' and generation.full_texts = true",
    ),
}


@pytest.mark.parametrize(("arguments", "labels", "lines"), BAD.values(), ids=BAD)
def test_bad_input_is_one_message_and_exit_2(arguments, labels, lines, made_run, steerkit, installed):
    folder = made_run()
    if labels is not None:
        (folder / "labels.csv").write_text(labels)
    command = arguments if arguments[:1] == ["agree"] else ["agree", "made", *arguments]
    expected = installed([lines] if isinstance(lines, str) else lines)
    assert steerkit(*command) == (2, "", "".join(f"error: {line}\n" for line in expected))


def test_scores_of_other_openings(made_run, steerkit):
    fit = made_run.entry("c1", "refusal-logprob", threshold=0.0, openings=["I"])
    made_run([fit, made_run.entry("c2", "timid", word="no")], (1.0, None))
    command = ["agree", "made", "--classifiers", "timid,refusal-logprob"]
    code, _, err = steerkit(*command)
    assert (code, err) == (2, f"error: {NEEDS} 1 of 2 cells: choose cells that have, with --cell (c1)\n")
    assert steerkit(*command, "--cell", "c1")[0] == 0
    code, _, err = steerkit(*command, "--cell", "c1", "--set", "refusal-logprob.openings=['Sorry']")
    assert code == 2
    assert err.startswith(f"error: {NEEDS} 1 of 1 cells: run it with")


def test_a_run_that_judged_in_two_ways(made_run, steerkit, says):
    made_run([made_run.entry("c1", "timid", word="no"), made_run.entry("c2", "timid", word="yes")])
    command = ["agree", "made", "--classifiers", "timid,refusal-keywords"]
    code, out, err = steerkit(*command)
    assert (code, out) == (2, "")
    says(err)
    assert steerkit(*command, "--set", "timid.word=no")[0] == 0


def test_nothing_but_texts_that_ended_early(made_run, steerkit, says):
    folder = made_run()
    path = folder / "completions.jsonl"
    path.write_text(path.read_text().replace('"eos"', '"settled"'))
    code, out, err = steerkit("agree", "made", "--classifiers", "timid,refusal-keywords")
    assert (code, out) == (2, "")
    says(err)


def test_comparing_cheap_judges_imports_no_torch(made_run, tmp_path):
    made_run()
    code = (
        "import sys; from steerkit_core.cli import execute;"
        "code = execute(['agree', 'made', '--labels', 'mine.csv']);"
        "sys.exit(9 if 'torch' in sys.modules or 'statsmodels' in sys.modules else code)"
    )
    (tmp_path / "mine.csv").write_text(LABELS + "p1,c1,normal,al\n" + "p99,c1,normal,al\n")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "error: mine.csv:3: cell c1 has no prompt 'p99'\n")
