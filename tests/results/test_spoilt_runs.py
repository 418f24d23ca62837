"""A run directory that is incomplete, newer, or edited by hand: one message, exit 2, for all who read it."""

import json
from pathlib import Path

import pytest

from steerkit_core.pipeline.manifest import describe_run
from steerkit_core.pipeline.recipe_run import run_recipe
from steerkit_core.recipe.parsing import find_recipe, load_recipe
from steerkit_core.results.files import read_manifest
from steerkit_core.results.manifest import Manifest
from steerkit_core.results.run import command_of, read_run


@pytest.fixture(scope="module")
def original(registry, write_recipe, tmp_path_factory):
    """A finished run, and the recipe that it was made from."""
    home = tmp_path_factory.mktemp("home")
    recipe = load_recipe(write_recipe(home), registry)
    run_recipe(recipe, registry, home / "runs" / "small")
    return home / "runs" / "small"


@pytest.fixture
def small(original, tmp_path, monkeypatch):
    """A copy of it, to be spoilt."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    folder = Path("runs/small")
    folder.mkdir(parents=True)
    for path in original.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


GONE = object()
MANIFEST, RECIPE, RESULTS = "manifest.json", "recipe.toml", "results.json"
RATE = "cells.0.rates.refusal"
# what is wrong with any run, whatever is asked of it: the file, what stands in it instead, by its place or as the
# whole text, and the words that name place and value
WRONG = {
    "no manifest": (MANIFEST, GONE, ["no manifest.json", "incomplete"]),
    "no recipe": (RECIPE, GONE, ["no recipe.toml", "incomplete"]),
    "half a manifest": (MANIFEST, "{", ["manifest.json: cannot be read"]),
    "half of the results": (RESULTS, "{", ["results.json: cannot be read"]),
    "a recipe that is no TOML": (RECIPE, "[run", ["recipe.toml: cannot be read"]),
    "results that are a list": (RESULTS, "[]", ["results.json: expected a table"]),
    "results without an end": (RESULTS, "[" * 100_000, ["results.json: cannot be read", "recursion"]),
    "a newer manifest": (MANIFEST, {"schema_version": 2, "steerkit": "9.0"}, ["steerkit 9.0", "schema 2"]),
    "newer results": (RESULTS, {"schema_version": 7}, ["schema 7", "upgrade"]),
    "a schema that is no number": (RESULTS, {"schema_version": "one"}, ["schema_version: ", "'one'"]),
    "a schema before the first": (RESULTS, {"schema_version": 0}, ["schema_version: ", "got 0"]),
    "models that are a table": (MANIFEST, {"models": {}}, ["models: ", "got {}"]),
    "a model without a name": (MANIFEST, {"models.0.id": GONE}, ["models[0].id is missing"]),
    "a time that is a number": (MANIFEST, {"started": 3}, ["started: ", "got 3"]),
    "no selections": (RESULTS, {"selections": GONE}, ["selections is missing"]),
    "cells that are a table": (RESULTS, {"cells": {}}, ["cells: ", "got {}"]),
    "a cell that is a number": (RESULTS, {"cells.0": 3}, ["cells[0]: ", "got 3"]),
    "a cell without counts": (RESULTS, {"cells.1.counts": GONE}, ["cells[1].counts is missing"]),
    "a count that was changed": (RESULTS, {"cells.0.counts.refusal": 9}, ["cells[0].counts: ", "got 14"]),
    "text for a count": (RESULTS, {"cells.1.n": "five"}, ["cells[1].n: ", "'five'"]),
    "a role that is none": (RESULTS, {"cells.1.role": "boss"}, ["cells[1].role: ", "'boss'"]),
    "a layer below the first": (RESULTS, {"cells.1.layer": -1}, ["cells[1].layer: ", "got -1"]),
    "a rate without its interval": (RESULTS, {f"{RATE}.low": GONE}, ["rates.refusal.low is missing"]),
    "a rate that was changed": (
        RESULTS, {f"{RATE}.rate": 0.9, f"{RATE}.high": 1.0}, ["rates.refusal.rate: ", "got 0.9"],
    ),
    "a count that is a word": (RESULTS, {f"{RATE}.k": "none"}, ["rates.refusal.k: ", "'none'"]),
    "text for the end of an interval": (RESULTS, {f"{RATE}.low": "0"}, ["rates.refusal.low: ", "'0'"]),
    # Wilson (1927): 0 of 5 is 0 to 43.4 percent
    "an interval that was narrowed": (RESULTS, {f"{RATE}.high": 0.1}, ["low, high: ", "0.434482"]),
    "a number for a list": (RESULTS, {"selections.0.tried": 3}, ["selections[0].tried: ", "got 3"]),
    "a cell that was taken out": (RESULTS, {"selections.0.tried.0": "c000"}, ["tried: ", "'c000'"]),
    "a selected cell that is none": (RESULTS, {"selected": "gone"}, ["selected: ", "'gone'"]),
    "precisions that are not compared": (
        RESULTS, {"quantization": [{"model": "m"}]}, ["quantization[0].quantization is missing"],
    ),
    "a layer without its length": (RESULTS, {"health.0.norm_mean": [1.0]}, ["health[0]: ", "1 in norm_mean"]),
    "results of another run": (RESULTS, {"run.recipe_fingerprint": "other"}, ["another recipe"]),
    "another recipe": (RECIPE, ("0.6]", "0.7]"), ["recipe.toml: ", "--out DIR"]),
}  # fmt: skip
COMMANDS = {
    "show": ["show", "small"],
    "show --json": ["show", "small", "--json"],
    "show --selection": ["show", "small", "--selection"],
    "show --audit": ["show", "small", "--audit"],
    "compare": ["compare", "small", "small"],
    "agree": ["agree", "small", "--classifiers", "refusal-keywords,refusal-tiered"],
    "label": ["label", "small", "--rater", "a"],
    "chat": ["chat", "small"],
    "report": ["report", "small", "--out", "page"],
    "export": ["export", "small", "--to", "csv", "--out", "cells.csv"],
}


def put(document, place, value):
    """Change what stands at a place such as `cells.0.n`, or take it out."""
    *above, last = [int(key) if key.isdigit() else key for key in place.split(".")]
    for key in above:
        document = document[key]
    if value is GONE:
        del document[last]
    else:
        document[last] = value


def spoil(path, change):
    if change is GONE:
        path.unlink()
    elif isinstance(change, str):
        path.write_text(change, "utf-8")
    elif isinstance(change, tuple):
        path.write_text(path.read_text("utf-8").replace(*change), "utf-8")
    else:
        document = json.loads(path.read_text("utf-8"))
        for place, value in change.items():
            put(document, place, value)
        path.write_text(json.dumps(document), "utf-8")


@pytest.mark.parametrize("wrong", WRONG)
def test_whatever_is_asked_of_a_spoilt_run_is_refused_with_one_message(wrong, small, give, says):
    name, change, named = WRONG[wrong]
    spoil(small / name, change)
    code, out, message = give("show", "small")
    assert (code, out) == (2, "")
    assert all(word in message for word in named)
    says(message)
    for command in COMMANDS.values():
        assert (command, give(*command)) == (command, (2, "", message))


@pytest.mark.parametrize("wrong", ["a newer manifest", "another recipe", "half a manifest"])
def test_directions_are_not_taken_from_a_spoilt_run(wrong, small, give, write_recipe):
    name, change, named = WRONG[wrong]
    spoil(small / name, change)
    write_recipe(Path())
    code, out, err = give("check", "recipe.toml", "--set", 'extractor={use = "transfer", run = "small"}')
    assert (code, out) == (2, "")
    assert all(word in err for word in ("error: extractor: ", *named))


# lines of completions and verdicts

READERS = {
    "show --cell": lambda cell: ["show", "small", "--cell", cell],
    "compare": lambda _cell: COMMANDS["compare"],
    "agree": lambda _cell: COMMANDS["agree"],
    "label": lambda _cell: COMMANDS["label"],
    "report": lambda _cell: COMMANDS["report"],
}
TEXTS, VERDICTS = "completions.jsonl", "verdicts.jsonl"


def rewrite(path, change):
    """Write the rows of a file of lines anew, as a function of all of them gives them back."""
    rows = change([json.loads(line) for line in path.read_text("utf-8").splitlines()])
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


def refused(command, small, give, cell=None):
    """What a command says that has to be refused."""
    code, out, err = give(*READERS[command](cell or read_run(small).results.selected))
    assert (code, out) == (2, "")
    return err


@pytest.mark.parametrize("command", ["show --cell", "compare", "agree", "label"])
def test_a_broken_line_is_named_by_file_and_number(command, small, give):
    lines = (small / TEXTS).read_text("utf-8").splitlines()
    (small / TEXTS).write_text("\n".join([*lines[:2], lines[2][:20], *lines[3:]]) + "\n", "utf-8")
    err = refused(command, small, give)
    assert "completions.jsonl:3: damaged (JSONDecodeError: " in err
    assert "delete that line" in err


@pytest.mark.parametrize("command", ["show --cell", "compare", "report"])
@pytest.mark.parametrize(
    ("name", "key", "value", "place"),
    [
        (TEXTS, "text", 5, "text: "),
        (TEXTS, "error", [], "error: "),
        (TEXTS, "tokens", "3", "tokens: "),
        (VERDICTS, "evidence", 1, "evidence: "),
        (VERDICTS, "spans", [[1]], "spans[0]: "),
        (VERDICTS, "label", 5, "label: "),
    ],
)
def test_a_value_of_another_kind_is_named_by_file_and_line(name, key, value, place, command, small, give):
    rewrite(small / name, lambda rows: [rows[0], rows[1] | {key: value}, *rows[2:]])
    assert f"{name}:2: {place}expected " in refused(command, small, give)


@pytest.mark.parametrize("command", ["show --cell", "compare", "agree", "label"])
def test_a_cell_without_its_texts_is_missed(command, small, give):
    cell = read_run(small).results.selected
    rewrite(small / TEXTS, lambda rows: [row for row in rows if row["cell"] != cell])
    assert f"completions.jsonl: no completion of cell {cell}" in refused(command, small, give, cell)


@pytest.mark.parametrize("label", ["odd", None])
@pytest.mark.parametrize("command", ["show --cell", "compare", "report"])
def test_a_verdict_that_was_changed_is_missed_among_the_counted(command, label, small, give):
    run = read_run(small)
    cell, counts = run.results.selected, run.cell(run.results.selected).counts
    was = []

    def change(rows):
        row = next(row for row in rows if row["cell"] == cell)
        was.append(row["label"])
        row["label"] = label
        return rows

    rewrite(small / VERDICTS, change)
    err = refused(command, small, give)
    assert f"verdicts.jsonl: {counts[was[0]] - 1} rows of cell {cell} are {was[0]!r}" in err


def test_verdicts_that_are_not_as_many_as_counted_are_refused(small, give):
    run = read_run(small)
    cell = run.results.selected
    rewrite(small / VERDICTS, lambda rows: [row for row in rows if row["cell"] != cell])
    err = refused("show --cell", small, give)
    assert f"verdicts.jsonl: 0 rows of cell {cell}, expected the {run.cell(cell).n} " in err


@pytest.mark.usefixtures("small")
def test_a_run_that_is_nowhere_is_looked_for_nearby(give, says):
    for asked in (("show", "smal"), ("chat", "nothing")):
        code, out, err = give(*asked)
        assert (code, out) == (2, "")
        says(err)


def test_a_run_of_a_newer_version_is_not_resumed(small, give, write_recipe):
    write_recipe(Path())
    spoil(small / MANIFEST, {"schema_version": 3})
    code, _, err = give("run", "recipe.toml", "--quiet")
    assert code == 2
    assert "schema 3" in err


def test_what_the_messages_promise_is_so(small, original, give):
    """The command of the run writes anew what was spoilt."""
    home = original.parents[1]
    whole = (small / "results.json").read_text("utf-8")
    rewrite(small / VERDICTS, lambda rows: [*rows[:2], *rows[3:]])
    cell = json.loads(whole)["selected"]
    rewrite(small / TEXTS, lambda rows: [row for row in rows if row["cell"] != cell])
    (small / "results.json").unlink()
    (small / "recipe.toml").unlink()
    command = command_of(small, read_manifest(small))
    assert command == f"steerkit run {home / 'recipe.toml'} --out runs/small"
    assert give(*command.split()[1:], "--quiet")[0] == 0
    assert (small / "results.json").read_text("utf-8") == whole
    assert give("show", "small", "--cell", json.loads(whole)["selected"])[0] == 0


def test_a_shipped_recipe_is_repeated_by_its_name(tmp_path, monkeypatch, says):
    monkeypatch.chdir(tmp_path)
    manifest = Manifest(
        recipe="/elsewhere/recipes/quickstart.toml",
        shipped="quickstart",
        changes=("run.seed=1",),
        recipe_fingerprint="",
        started="",
        settings=(),
        models=(),
    )
    command = command_of(Path("runs/a"), manifest)
    says(command)
    # a file of that name is what the command would take
    Path("quickstart").write_text("")
    says(command_of(Path("runs/a"), manifest))


def test_a_manifest_names_the_shipped_recipe(registry):
    path = find_recipe("quickstart", registry)
    assert describe_run(load_recipe(path, registry), registry, None).shipped == "quickstart"


def test_a_label_that_the_judge_does_not_give_is_refused(small, give):
    cell = read_run(small).results.selected
    code, out, err = give("show", "small", "--cell", cell, "--label", "garbeld")
    assert (code, out) == (2, "")
    assert "'garbeld', did you mean 'garbled'?" in err


def test_a_label_that_no_text_has_says_so(small, give):
    run = read_run(small)
    cell = run.results.selected
    label = next(name for name, count in run.cell(cell).counts.items() if not count)
    code, out, err = give("show", "small", "--cell", cell, "--label", label)
    assert (code, err) == (0, "")
    assert f"no text of this cell is {label}" in out
