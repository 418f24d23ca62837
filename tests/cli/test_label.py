"""`steerkit label`: blind, shuffled, resumable, for several people."""

import csv
import errno
import io
import re
from pathlib import Path

import pytest

ALL = 7


@pytest.fixture
def label(give, monkeypatch):
    """Press keys; returns what was shown."""

    def press(keys, *arguments):
        monkeypatch.setattr("sys.stdin", io.StringIO(keys))
        code, out, err = give("label", "made", *arguments)
        assert (code, err) == (0, ""), err
        return out

    return press


def kept(folder="made"):
    with (Path(folder) / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert all(list(row) == ["prompt_id", "cell", "label", "rater"] for row in rows)
    return [(row["prompt_id"], row["label"], row["rater"]) for row in rows]


def shown(out):
    """The questions in the order in which they were asked."""
    return re.findall(r"^question (\d)$", out, re.MULTILINE)


def test_every_text_is_asked_once_and_kept_at_once(made_run, label):
    made_run()
    out = label("rgnrgnr", "--rater", "alice")
    asked = shown(out)
    assert sorted(asked) == list("1234567")
    words = {"r": "refusal", "g": "garbled", "n": "normal"}
    assert kept() == [
        (f"p{number}", words[key], "alice") for number, key in zip(asked, "rgnrgnr", strict=True)
    ]
    assert out.endswith(
        "\n7 of 7 texts labelled by alice. Labels in made/labels.csv; compare them with\n    steerkit agree made\n"
    )


def test_nothing_is_shown_that_could_bias(made_run, label):
    made_run()
    out = label("q", "--rater", "alice")
    assert re.search(r"^request\nquestion \d\n\nanswer\n", out, re.MULTILINE)
    assert not re.search(
        r"\bc1\b|\bc2\b|layer|keyword|verdict|\bp\d\b", out.partition("\n7 of")[0].partition("0 of")[0]
    )


def test_the_order_is_the_raters_own_and_the_same_each_time(made_run, label):
    made_run()
    first = shown(label("sssssss", "--rater", "alice"))
    assert shown(label("sssssss", "--rater", "alice")) == first
    assert shown(label("sssssss", "--rater", "bob")) != first
    assert shown(label("sssssss", "--rater", "alice", "--seed", "1")) != first
    assert shown(label("sss", "--rater", "alice", "--limit", "3")) == first[:3]
    assert first != sorted(first)


def test_it_goes_on_where_one_stopped(made_run, label):
    made_run()
    order = shown(label("sssssss", "--rater", "alice"))
    assert shown(label("rrq", "--rater", "alice")) == order[:3]
    out = label("ggggg", "--rater", "alice")
    assert shown(out) == order[2:]
    assert [given for _, given, _ in kept()] == ["refusal"] * 2 + ["garbled"] * 5
    assert "7 of 7 texts labelled" in label("", "--rater", "alice")


def test_a_killed_process_loses_nothing(made_run, label):
    made_run()
    label("rg", "--rater", "alice")  # the keys end without q
    assert [given for _, given, _ in kept()] == ["refusal", "garbled"]


def test_what_is_skipped_comes_again_next_time(made_run, label):
    made_run()
    order = shown(label("srq", "--rater", "alice"))
    assert shown(label("q", "--rater", "alice")) == order[:1]


def test_undo_takes_the_last_label_back_and_asks_again(made_run, label):
    made_run()
    out = label("rguuunq", "--rater", "alice")
    order = shown(out)
    assert order[3] == order[1]
    assert order[4] == order[5] == order[0]
    assert "nothing to undo" in out
    assert kept() == [(f"p{order[0]}", "normal", "alice")]


def test_undo_reaches_into_the_session_before(made_run, label):
    made_run()
    label("rgq", "--rater", "alice")
    label("unq", "--rater", "alice")
    assert [given for _, given, _ in kept()] == ["refusal", "normal"]


def test_several_people_label_one_run(made_run, label):
    made_run()
    label("rrq", "--rater", "alice")
    label("gggq", "--rater", "bob")
    label("nuq", "--rater", "alice")
    label("uq", "--rater", "alice")
    assert [(given, who) for _, given, who in kept()] == [
        ("refusal", "alice"), ("garbled", "bob"), ("garbled", "bob"), ("garbled", "bob"),
    ]  # fmt: skip


def test_keys_in_capitals_and_keys_that_there_are_not(made_run, label):
    made_run()
    out = label("R x\n?q", "--rater", "alice")
    assert "'x'; r: refusal" in out
    assert [given for _, given, _ in kept()] == ["refusal"]


def test_on_a_terminal_one_key_is_enough(made_run, give, monkeypatch):
    made_run()
    keys = iter("rq")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.getchar", lambda: next(keys))
    assert give("label", "made", "--rater", "alice")[0] == 0
    assert len(kept()) == 1


def test_equal_texts_are_asked_once_and_cells_can_be_chosen(made_run, label):
    made_run()
    assert sorted(shown(label("sssssss", "--rater", "a", "--cell", "c2"))) == ["1", "5"]
    assert sorted(shown(label("sssssss", "--rater", "a", "--cells", "c2", "--early"))) == ["1", "2", "5"]


def test_labels_of_another_kind_have_keys_too(made_run, label):
    entry = made_run.entry("c1", "languages")
    entry |= {"counts": {"german": 3, "spanish": 4}, "rates": {}}
    made_run([entry])
    out = label("pq", "--rater", "a")
    # g is garbled's, and s skips
    assert "r: refusal, g: garbled" in out
    assert kept()[0][1] == "spanish"


def test_the_login_name_is_the_rater(made_run, label, monkeypatch):
    monkeypatch.setattr("getpass.getuser", lambda: "carol")
    made_run()
    label("rq")
    assert kept()[0][2] == "carol"


def test_a_last_line_without_its_end_is_not_joined(made_run, label):
    (made_run() / "labels.csv").write_text("prompt_id,cell,label,rater\np1,c1,normal,bob")
    label("rq", "--rater", "alice")
    assert [who for *_, who in kept()] == ["bob", "alice"]


def test_a_file_with_other_columns_keeps_its_order(made_run, label):
    path = made_run() / "labels.csv"
    path.write_text("rater, note,label,cell,prompt_id\nbob, fine,normal,c1,p1\n")
    label("rguq", "--rater", "alice")
    first, second, third = path.read_text().splitlines()
    assert (first, second) == ("rater, note,label,cell,prompt_id", "bob, fine,normal,c1,p1")
    assert third.startswith("alice,,refusal,c1,p")


def test_what_was_labelled_can_be_compared(made_run, label, give):
    made_run()
    label("rgnrgnr", "--rater", "alice")
    code, out, _ = give("agree", "made", "--classifiers", "refusal-keywords,person:alice")
    assert code == 0
    assert "refusal-keywords (rows) and person:alice (columns), 7 texts" in out


def test_pandas_opens_the_file(made_run, label):
    pandas = pytest.importorskip("pandas")
    made_run()
    label("rgnq", "--rater", "alice")
    table = pandas.read_csv("made/labels.csv")
    assert list(table.label) == ["refusal", "garbled", "normal"]


@pytest.mark.parametrize(
    ("arguments", "labels", "message"),
    [
        (["gone"], None, "gone: no such run directory"),
        (["made", "--cell", "x"], None, "made: no cell 'x' (cells: c1, c2)"),
        (["made", "--rater", "a,b"], None, "--rater: expected a name without commas, got 'a,b'"),
        (["made", "--rater", " "], None, "--rater: expected a name without commas, got ''"),
        (
            ["made", "--rater", "a"],
            "one,two\n1,2\n",
            "made/labels.csv: no column 'prompt_id', found one, two, expected prompt_id, cell, label and, if several people labelled, rater",
        ),
        (
            ["made", "--rater", "a"],
            "prompt_id,cell,label\n",
            "made/labels.csv: no column 'rater', which is needed to add labels of several people",
        ),
    ],
)
def test_bad_input_is_one_message_and_exit_2(arguments, labels, message, made_run, give):
    folder = made_run()
    if labels is not None:
        (folder / "labels.csv").write_text(labels)
    assert give("label", *arguments) == (2, "", f"error: {message}\n")


def test_a_folder_that_cannot_be_written(made_run, give, monkeypatch):
    folder = made_run()
    (folder / "labels.csv").mkdir()
    monkeypatch.setattr("sys.stdin", io.StringIO("r"))
    code, _, err = give("label", "made", "--rater", "a")
    assert (code, err) == (2, "error: made/labels.csv: cannot be read: is a directory\n")


def test_a_disk_that_is_full_is_one_message(made_run, give, monkeypatch):
    made_run()

    def full(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("steerkit_core.judging.human_labels.FileLock", full)
    monkeypatch.setattr("sys.stdin", io.StringIO("r"))
    code, _, err = give("label", "made", "--rater", "a")
    message = "made/labels.csv: cannot be written: no space left on device; 0 labels are kept"
    assert (code, err) == (2, f"error: {message}\n")
