import json
from functools import partial
from pathlib import Path

import pytest
from made_runs import cell_entry, write_made_run, write_rows
from scipy.stats import binomtest, fisher_exact

from steerkit_core.stats import newcombe, wilson

FIRST = dict(zip("abcdefgh", ["refusal"] * 6 + ["normal", "garbled"], strict=True))
SECOND = dict(zip("abcdefgh", ["normal"] * 5 + ["refusal"] * 2 + ["garbled"], strict=True))
OTHERS = {"x": "refusal", "y": "normal", "z": "normal"}


def write_run(folder, *cells, selected="c1aaaaaaaaaa", on_evaluation=False):
    """A run directory as far as a comparison reads it; cells are (id, label by prompt, further columns)."""
    entries, verdicts, completions = [], [], []
    for name, verdict_of, further in cells:
        judged = [label for label in verdict_of.values() if label != "failed"]
        counts = {label: judged.count(label) for label in ("refusal", "garbled", "normal")}
        columns = dict.fromkeys(("extractor", "selector", "site", "strength"))
        options = {"classifier": {"keywords": []}}
        failed = len(verdict_of) - len(judged)
        entries.append(cell_entry(name, counts, options=options, failed=failed, **columns) | further)
        for prompt, label in verdict_of.items():
            key = {"cell": name, "prompt_id": f"P{prompt}"}
            verdicts.append({**key, "label": label, "rule": "", "evidence": ""})
            text = {"prompt": f"What is {prompt}?", "text": f"{name[:2]} on {prompt}"}
            completions.append({**key, **text, "tokens": 3, "stop": "eos", "error": None})
    selections = [{"cell": selected, "selected_on_evaluation": on_evaluation, "table": []}]
    further = {"selected": selected, "selected_on_evaluation": on_evaluation}
    write_made_run(folder, entries, selections=selections, **further)
    write_rows(folder, "verdicts.jsonl", verdicts)
    write_rows(folder, "completions.jsonl", completions)


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "140")
    write_run(Path("runs/one"), ("c1aaaaaaaaaa", FIRST, {}), ("c1bbbbbbbbbb", OTHERS, {"role": "baseline"}))
    write_run(Path("two"), ("c2aaaaaaaaaa", SECOND, {"layer": 7}), selected="c2aaaaaaaaaa")


@pytest.fixture
def compare(give):
    return partial(give, "compare")


def read(result):
    code, out, err = result
    assert (code, err) == (0, "")
    return json.loads(out)


def test_the_same_prompts_are_compared_prompt_by_prompt(compare):
    found = read(compare("one", "two", "--json"))
    assert (found["paired"], found["test"], found["n"]) == (True, "mcnemar", 8)
    assert (found["both"], found["first_only"], found["second_only"], found["neither"]) == (1, 5, 1, 1)
    assert found["p"] == binomtest(1, 6).pvalue
    assert found["first"]["rate"]["k"] == 6
    assert found["first"]["rate"]["low"] == wilson(6, 8).low
    assert (found["second"]["run"], found["second"]["cell"]) == ("two", "c2aaaaaaaaaa")
    assert found["second"]["layer"] == 7
    assert found["notes"] == []
    # those of the first side before that of the second
    assert [row["prompt_id"] for row in found["discordant"]] == ["Pa", "Pb", "Pc", "Pd", "Pe", "Pg"]
    assert found["discordant"][-1] == {
        "prompt_id": "Pg",
        "prompt": "What is g?",
        "first": {"label": "normal", "text": "c1 on g"},
        "second": {"label": "refusal", "text": "c2 on g"},
    }


def test_different_prompts_are_compared_as_independent(compare):
    found = read(compare("one", "one", "--cell", "c1a", "--cell", "c1b", "--json"))
    assert (found["paired"], found["test"], found["discordant"]) == (False, "fisher", [])
    assert found["p"] == fisher_exact([[6, 2], [1, 2]]).pvalue
    assert found["difference"]["high"] == newcombe(6, 8, 1, 3).high
    assert found["second"]["role"] == "baseline"


def test_people_see_a_table_a_sentence_and_the_texts_side_by_side(compare):
    code, out, err = compare("one", "two")
    assert (code, err) == (0, "")
    lines = [line.rstrip() for line in out.splitlines()]
    assert "+50 points, 95% CI -6 to +79; Cohen's h +1.05" in out
    assert "p = 0.219" in out
    assert "of 8 prompts, 1 refusal on both sides, 5 on" in out
    (row,) = [line for line in lines if "Pa What is a?" in line]
    assert "refusal c1 on a" in row
    assert "normal c2 on a" in row
    assert not any("Ph" in line for line in lines)


def test_on_a_narrow_terminal_what_is_alike_is_said_below_and_no_name_is_broken(compare, monkeypatch):
    monkeypatch.setenv("COLUMNS", "58")
    lines = [line.rstrip() for line in compare("one", "two")[1].splitlines()]
    assert lines[0].split() == ["run", "cell", "layer", "mult.", "refusal", "95%", "CI"]
    assert [line.split()[0] for line in lines[1:3]] == ["runs/one", "two"]
    assert lines[3] == "both: m, letters"


def test_other_labels_can_be_compared(compare):
    found = read(compare("one", "two", "--label", "garbled", "--json"))
    assert (found["both"], found["first_only"], found["second_only"]) == (1, 0, 0)
    assert (found["difference"]["value"], found["p"]) == (0.0, 1.0)


def test_one_cell_named_once_is_looked_for_in_both_runs(compare):
    found = read(compare("one", "one", "--cell", "c1b", "--json"))
    assert (found["first"]["cell"], found["second"]["cell"]) == ("c1bbbbbbbbbb", "c1bbbbbbbbbb")


def test_what_a_reader_has_to_know_is_said(compare, says):
    failed = {**FIRST, "h": "failed"}
    judge = {"options": {"classifier": {"keywords": ["no"]}}}
    write_run(Path("three"), ("c1aaaaaaaaaa", failed, judge), on_evaluation=True)
    found = read(compare("three", "two", "--json"))
    assert found["n"] == 7
    says("\n".join(found["notes"]))


def test_prompts_that_are_partly_the_same_are_neither_paired_nor_independent(compare, says):
    write_run(Path("three"), ("c1aaaaaaaaaa", {**OTHERS, "a": "normal"}, {}))
    found = read(compare("one", "three", "--json"))
    assert not found["paired"]
    says("\n".join(found["notes"]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["one", "one", "--cell", "c1a", "--cell", "c1b", "--paired"],
            (
                "error: runs/one, runs/one: not on the same prompts (8 and 3, of which 0 are in both), so that they"
                " cannot be compared as paired; run both on the same evaluation prompts, or leave out --paired"
            ),
        ),
        (
            ["one", "two", "--label", "refuse"],
            "error: runs/one: cell c1aaaaaaaaaa has no label 'refuse' (labels: refusal, garbled, normal)",
        ),
        (
            ["one", "two", "--cell", "c9"],
            "error: runs/one: no cell 'c9' (cells: c1aaaaaaaaaa, c1bbbbbbbbbb)",
        ),
        (
            ["one", "two", "--cell", "c1"],
            "error: runs/one: more than one cell 'c1' (cells: c1aaaaaaaaaa, c1bbbbbbbbbb)",
        ),
        (
            ["one", "nothing"],
            "error: nothing: no such run directory",
        ),
        (
            ["one", "two", "--cell", "a", "--cell", "b", "--cell", "c"],
            "Error: --cell: expected at most two, got 3",
        ),
        (["one"], "Error: Missing argument 'OTHER'."),
    ],
)
def test_bad_input_is_one_message_and_exit_2(arguments, message, compare):
    code, out, err = compare(*arguments)
    assert (code, out) == (2, "")
    assert err.splitlines()[-1] == message


def test_a_run_without_a_selected_cell_wants_one_named(compare, says):
    write_run(Path("three"), ("c1aaaaaaaaaa", FIRST, {}), selected=None)
    code, out, err = compare("three", "two")
    assert (code, out) == (2, "")
    says(err)


def test_a_damaged_run_is_explained(compare, says):
    Path("two/verdicts.jsonl").unlink()
    code, out, err = compare("one", "two")
    assert (code, out) == (2, "")
    says(err)
