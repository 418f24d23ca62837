"""A run directory that is incomplete, newer, or edited by hand: one message, exit 2, for all who read it."""

import json
from pathlib import Path

import pytest

from steerkit_core.files.fingerprints import document_fingerprint
from steerkit_core.pipeline.manifest import describe_run
from steerkit_core.pipeline.recipe_run import run_recipe
from steerkit_core.recipe.parsing import find_recipe, load_recipe
from steerkit_core.results.files import read_manifest
from steerkit_core.results.manifest import Manifest
from steerkit_core.results.run import command_of, read_run
from steerkit_core.results.run_directory import open_run


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


def edit(path, change):
    value = json.loads(path.read_text("utf-8"))
    change(value)
    path.write_text(json.dumps(value), "utf-8")


def lose(name):
    return lambda folder: (folder / name).unlink()


def cut(name, size):
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:size])


def changed(name, change):
    return lambda folder: edit(folder / name, change)


def line_three(name):
    def spoil(folder):
        lines = (folder / name).read_text("utf-8").splitlines()
        lines[2] = lines[2][:20]
        (folder / name).write_text("\n".join(lines) + "\n", "utf-8")

    return spoil


def other_depth(folder):
    text = (folder / "recipe.toml").read_text("utf-8")
    (folder / "recipe.toml").write_text(text.replace("0.6]", "0.7]"), "utf-8")


def without_first(name):
    """The file without the rows of the selected cell."""

    def spoil(folder):
        cell = json.loads((folder / "results.json").read_text("utf-8"))["selected"]
        lines = (folder / name).read_text("utf-8").splitlines()
        kept = [line for line in lines if json.loads(line)["cell"] != cell]
        (folder / name).write_text("\n".join(kept) + "\n", "utf-8")

    return spoil


AGAIN = "the command of the run writes it anew from the completions"
# what is wrong with any run, whatever is asked of it
WRONG = {
    "no manifest": (
        lose("manifest.json"),
        (
            "runs/small: no manifest.json here: the run is incomplete; take it from where the run was made, or"
            " run its recipe into another folder"
        ),
    ),
    "no recipe": (
        lose("recipe.toml"),
        "runs/small: no recipe.toml here: the run is incomplete; its command writes it again",
    ),
    "half a manifest": (
        cut("manifest.json", 1),
        (
            "runs/small/manifest.json: cannot be read: Expecting property name enclosed in double quotes: line 1"
            " column 2 (char 1): damaged or edited by hand; take it from where the run was made, or run its"
            " recipe into another folder"
        ),
    ),
    "a newer manifest": (
        changed("manifest.json", lambda m: m.update(schema_version=2, steerkit="9.0")),
        (
            "runs/small/manifest.json: written by steerkit 9.0 with schema 2, and this steerkit reads up to 1:"
            " upgrade steerkit-core to read this run"
        ),
    ),
    "newer results": (
        changed("results.json", lambda r: r.update(schema_version=7)),
        (
            "runs/small/results.json: written with schema 7, and this steerkit reads up to 1: upgrade"
            " steerkit-core to read this run"
        ),
    ),
    "a schema that is no number": (
        changed("results.json", lambda r: r.update(schema_version="one")),
        "runs/small/results.json: schema_version: expected a whole number, got 'one'",
    ),
    "half of the results": (
        cut("results.json", 1),
        (
            "runs/small/results.json: cannot be read: Expecting property name enclosed in double quotes: line 1"
            f" column 2 (char 1): damaged or edited by hand; {AGAIN}"
        ),
    ),
    "results that are a list": (
        lambda folder: (folder / "results.json").write_text("[]"),
        f"runs/small/results.json: expected a table, got a list: edited by hand; {AGAIN}",
    ),
    "no selections": (
        changed("results.json", lambda r: r.pop("selections")),
        f"runs/small/results.json: selections is missing: edited by hand; {AGAIN}",
    ),
    "cells that are a table": (
        changed("results.json", lambda r: r.update(cells={})),
        f"runs/small/results.json: cells: expected a list, got {{}}: edited by hand; {AGAIN}",
    ),
    "a cell without counts": (
        changed("results.json", lambda r: r["cells"][1].pop("counts")),
        f"runs/small/results.json: cells[1].counts is missing: edited by hand; {AGAIN}",
    ),
    "a cell that is a number": (
        changed("results.json", lambda r: r["cells"].__setitem__(0, 3)),
        f"runs/small/results.json: cells[0]: expected a table, got 3: edited by hand; {AGAIN}",
    ),
    "a rate without its interval": (
        changed("results.json", lambda r: r["cells"][0]["rates"]["refusal"].pop("low")),
        f"runs/small/results.json: cells[0].rates.refusal.low is missing: edited by hand; {AGAIN}",
    ),
    "a count that was changed": (
        changed("results.json", lambda r: r["cells"][0]["counts"].update(refusal=9)),
        (
            "runs/small/results.json: cells[0].counts: expected them to sum to n = 5, got 14: edited by hand;"
            f" {AGAIN}"
        ),
    ),
    "a rate that was changed": (
        changed("results.json", lambda r: r["cells"][0]["rates"]["refusal"].update(rate=0.9, high=1.0)),
        f"runs/small/results.json: cells[0].rates.refusal.rate: expected 0 of 5, 0, got 0.9: edited by hand; {AGAIN}",
    ),
    "a count that is a word": (
        changed("results.json", lambda r: r["cells"][0]["rates"]["refusal"].update(k="none")),
        (
            "runs/small/results.json: cells[0].rates.refusal.k: expected a whole number, got 'none': edited by"
            f" hand; {AGAIN}"
        ),
    ),
    "text for a count": (
        changed("results.json", lambda r: r["cells"][1].update(n="five")),
        f"runs/small/results.json: cells[1].n: expected a whole number, got 'five': edited by hand; {AGAIN}",
    ),
    "text for the end of an interval": (
        changed("results.json", lambda r: r["cells"][0]["rates"]["refusal"].update(low="0")),
        (
            "runs/small/results.json: cells[0].rates.refusal.low: expected a number, got '0': edited by hand;"
            f" {AGAIN}"
        ),
    ),
    "a number for a list": (
        changed("results.json", lambda r: r["selections"][0].update(tried=3)),
        f"runs/small/results.json: selections[0].tried: expected a list, got 3: edited by hand; {AGAIN}",
    ),
    "a selected cell that is none": (
        changed("results.json", lambda r: r.update(selected="gone")),
        "runs/small/results.json: selected: expected one of the cells, got 'gone': edited by hand; "
        + AGAIN,
    ),
    "a schema before the first": (
        changed("results.json", lambda r: r.update(schema_version=0)),
        "runs/small/results.json: schema_version: expected a whole number from 1 on, got 0",
    ),
    "a role that is none": (
        changed("results.json", lambda r: r["cells"][1].update(role="boss")),
        (
            "runs/small/results.json: cells[1].role: expected one of baseline, steered, control, got 'boss':"
            f" edited by hand; {AGAIN}"
        ),
    ),
    # Wilson (1927): 0 of 5 is 0 to 43.4 percent
    "an interval that was narrowed": (
        changed("results.json", lambda r: r["cells"][0]["rates"]["refusal"].update(high=0.1)),
        (
            "runs/small/results.json: cells[0].rates.refusal.low, high: expected Wilson's 0 to 0.434482 of 5"
            f" observations, got 0 to 0.1: edited by hand; {AGAIN}"
        ),
    ),
    "a layer below the first": (
        changed("results.json", lambda r: r["cells"][1].update(layer=-1)),
        (
            "runs/small/results.json: cells[1].layer: expected a whole number from 0 on, got -1: edited by hand;"
            f" {AGAIN}"
        ),
    ),
    "a cell that was taken out": (
        changed("results.json", lambda r: r["selections"][0]["tried"].append("c000")),
        (
            "runs/small/results.json: selections[0].tried: expected one of the cells, got 'c000': edited by hand;"
            f" {AGAIN}"
        ),
    ),
    "precisions that are not compared": (
        changed("results.json", lambda r: r.update(quantization=[{"model": "m"}])),
        f"runs/small/results.json: quantization[0].quantization is missing: edited by hand; {AGAIN}",
    ),
    "a layer without its length": (
        changed("results.json", lambda r: r["health"][0].update(norm_mean=[1.0])),
        (
            "runs/small/results.json: health[0]: expected a value for each layer, got 1 in norm_mean, 4 in"
            f" norm_max, 4 in overflow, 4 in nonfinite: edited by hand; {AGAIN}"
        ),
    ),
    "results without an end": (
        lambda folder: (folder / "results.json").write_text("[" * 100_000),
        (
            "runs/small/results.json: cannot be read: maximum recursion depth exceeded while decoding a JSON"
            f" array from a unicode string: damaged or edited by hand; {AGAIN}"
        ),
    ),
    "models that are a table": (
        changed("manifest.json", lambda m: m.update(models={})),
        "runs/small/manifest.json: models: expected a list, got {}: edited by hand; a run of the same recipe writes it anew",
    ),
    "a model without a name": (
        changed("manifest.json", lambda m: m["models"][0].pop("id")),
        "runs/small/manifest.json: models[0].id is missing: edited by hand; a run of the same recipe writes it anew",
    ),
    "a time that is a number": (
        changed("manifest.json", lambda m: m.update(started=3)),
        "runs/small/manifest.json: started: expected a string, got 3: edited by hand; a run of the same recipe writes it anew",
    ),
    "results of another run": (
        changed("results.json", lambda r: r["run"].update(recipe_fingerprint="other")),
        (
            "runs/small/results.json: of another recipe than manifest.json says: one of the two was copied"
            " here; take both from one run"
        ),
    ),
    "another recipe": (
        other_depth,
        (
            "runs/small/recipe.toml: not the recipe that this run was made with, so that its cells are not"
            " those of the results: undo the change, or run it into a folder of its own with `steerkit run"
            " runs/small/recipe.toml --out DIR`"
        ),
    ),
    "a recipe that is no TOML": (
        lambda folder: (folder / "recipe.toml").write_text("[run"),
        (
            "runs/small/recipe.toml: cannot be read: Expected ']' at the end of a table declaration (at end of"
            " document): edited by hand; undo the change, or delete the file: the command of the run writes it"
            " again"
        ),
    ),
}
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


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("command", COMMANDS)
def test_whatever_is_asked_of_a_spoilt_run_is_refused_with_one_message(command, wrong, small, give):
    spoil, message = WRONG[wrong]
    spoil(small)
    assert give(*COMMANDS[command]) == (2, "", f"error: {message}\n")


DELETE = "delete that line to have the row generated again"
TEXTS = {
    "show --cell": lambda cell: ["show", "small", "--cell", cell],
    "compare": lambda _cell: COMMANDS["compare"],
    "agree": lambda _cell: COMMANDS["agree"],
    "label": lambda _cell: COMMANDS["label"],
}


@pytest.mark.parametrize("command", TEXTS)
def test_a_broken_line_is_named_by_file_and_number(command, small, give):
    cell = read_run(small).results.selected
    line_three("completions.jsonl")(small)
    code, out, err = give(*TEXTS[command](cell))
    assert (code, out) == (2, "")
    assert err.startswith("error: runs/small/completions.jsonl:3: damaged (JSONDecodeError: ")
    assert err.endswith(f"); {DELETE}\n")


LINES = {
    "completions.jsonl": {
        "text": (5, "a string"),
        "error": ([], "a string or null"),
        "tokens": ("3", "a whole number"),
    },
    "verdicts.jsonl": {"evidence": (1, "a string or null"), "spans": ([[1]], "a list of 2")},
}


@pytest.mark.parametrize("command", ["show --cell", "compare", "report"])
@pytest.mark.parametrize(("name", "key"), [(name, key) for name, keys in LINES.items() for key in keys])
def test_a_value_of_another_kind_is_named_by_file_and_line(name, key, command, small, give):
    value, expected = LINES[name][key]
    cell = read_run(small).results.selected
    rows = [json.loads(line) for line in (small / name).read_text("utf-8").splitlines()]
    rows[1][key] = value
    (small / name).write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    place, found = ("spans[0]", value[0]) if key == "spans" else (key, value)
    code, out, err = give(*(COMMANDS["report"] if command == "report" else TEXTS[command](cell)))
    assert (code, out) == (2, "")
    assert err.startswith(
        f"error: runs/small/{name}:2: {place}: expected {expected}, got {found!r}: damaged or edited by hand; delete"
        " that line"
    )


@pytest.mark.parametrize("command", TEXTS)
def test_a_cell_without_its_texts_is_missed(command, small, give):
    cell = read_run(small).results.selected
    without_first("completions.jsonl")(small)
    code, out, err = give(*TEXTS[command](cell))
    assert (code, out) == (2, "")
    assert err.startswith(f"error: runs/small/completions.jsonl: no completion of cell {cell}")
    assert err.endswith("edited by hand; the command of the run makes what is missing\n")


@pytest.mark.parametrize("label", [5, "odd", None])
@pytest.mark.parametrize("command", ["show --cell", "compare", "report"])
def test_a_verdict_that_was_changed_is_missed_among_the_counted(command, label, small, give):
    run = read_run(small)
    cell, counts = run.results.selected, run.cell(run.results.selected).counts
    target = small / "verdicts.jsonl"
    rows = [json.loads(line) for line in target.read_text("utf-8").splitlines()]
    changed_row = next(row for row in rows if row["cell"] == cell)
    was, changed_row["label"] = changed_row["label"], label
    target.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    arguments = COMMANDS["report"] if command == "report" else TEXTS[command](cell)
    if label == 5:
        code, out, err = give(*arguments)
        assert (code, out) == (2, "")
        assert ": label: expected a string or null, got 5: damaged or edited by hand" in err
        return
    assert give(*arguments) == (
        2,
        "",
        (
            f"error: runs/small/verdicts.jsonl: {counts[was] - 1} rows of cell {cell} are {was!r}, expected the"
            f" {counts[was]} that results.json counts: edited by hand; the command of the run makes what is"
            " missing\n"
        ),
    )


def test_verdicts_that_are_not_as_many_as_counted_are_refused(small, give):
    run = read_run(small)
    cell = run.results.selected
    without_first("verdicts.jsonl")(small)
    assert give("show", "small", "--cell", cell) == (
        2,
        "",
        (
            f"error: runs/small/verdicts.jsonl: 0 rows of cell {cell}, expected the {run.cell(cell).n} that"
            " results.json counts: edited by hand; the command of the run makes what is missing\n"
        ),
    )


@pytest.mark.usefixtures("small")
def test_a_run_that_is_nowhere_is_looked_for_nearby(give):
    assert give("show", "smal") == (2, "", "error: smal: no such run directory, did you mean 'small'?\n")
    assert give("chat", "nothing") == (2, "", "error: nothing: no such run directory\n")


@pytest.mark.parametrize("wrong", ["a newer manifest", "another recipe", "half a manifest"])
def test_directions_are_not_taken_from_a_spoilt_run(wrong, small, give, write_recipe):
    spoil, message = WRONG[wrong]
    spoil(small)
    write_recipe(Path())
    change = 'extractor={use = "transfer", run = "small"}'
    assert give("check", "recipe.toml", "--set", change) == (2, "", f"error: extractor: {message}\n")


def test_a_run_of_a_newer_version_is_not_gone_on_with(small, give, write_recipe):
    write_recipe(Path())
    edit(small / "manifest.json", lambda m: m.update(schema_version=3))
    code, _, err = give("run", "recipe.toml", "--quiet")
    assert code == 2
    assert err.endswith(
        "with schema 3, and this steerkit reads up to 1: upgrade steerkit-core to read this run\n"
    )


def test_what_the_messages_promise_is_so(small, original, give):
    """The command of the run writes anew what was spoilt."""
    home = original.parents[1]
    whole = (small / "results.json").read_text("utf-8")
    line_three("verdicts.jsonl")(small)
    without_first("completions.jsonl")(small)
    (small / "results.json").unlink()
    (small / "recipe.toml").unlink()
    command = command_of(small, read_manifest(small))
    assert command == f"steerkit run {home / 'recipe.toml'} --out runs/small"
    assert give(*command.split()[1:], "--quiet")[0] == 0
    assert (small / "results.json").read_text("utf-8") == whole
    assert give("show", "small", "--cell", json.loads(whole)["selected"])[0] == 0


def test_a_shipped_recipe_is_repeated_by_its_name(tmp_path, monkeypatch):
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
    assert command == "steerkit run quickstart --set run.seed=1 --out runs/a"
    # a file of that name is what the command would take
    Path("quickstart").write_text("")
    assert command_of(Path("runs/a"), manifest) == "steerkit run runs/a/recipe.toml --out runs/a"


def test_a_manifest_names_the_shipped_recipe(registry):
    path = find_recipe("quickstart", registry)
    assert describe_run(load_recipe(path, registry), registry, None).shipped == "quickstart"


def test_a_label_that_the_judge_does_not_give_is_refused(small, give):
    cell = read_run(small).results.selected
    assert give("show", "small", "--cell", cell, "--label", "garbeld") == (
        2,
        "",
        (
            f"error: --label: cell {cell} has no label 'garbeld', did you mean 'garbled'?"
            " (labels: refusal, garbled, normal)\n"
        ),
    )


def test_a_label_that_no_text_has_says_so(small, give):
    run = read_run(small)
    cell = run.results.selected
    label = next(name for name, count in run.cell(cell).counts.items() if not count)
    code, out, err = give("show", "small", "--cell", cell, "--label", label)
    assert (code, err, out.splitlines()[-1]) == (0, "", f"no text of this cell is {label}")


# unfinished runs


@pytest.fixture
def unfinished(registry, write_recipe, tmp_path, monkeypatch):
    """A run that was killed after eleven completions."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    recipe = load_recipe(find_recipe(str(write_recipe(tmp_path)), registry), registry, ["run.seed=3"])
    seen = []

    class Killed(Exception):
        pass

    def append(self, cell, completion, real=None):
        if len(seen) == 11:
            raise Killed
        seen.append((cell, completion))
        real(self, cell, completion)

    from steerkit_core.results.run_directory import RunDirectory

    real = RunDirectory.append
    with monkeypatch.context() as patched:
        patched.setattr(RunDirectory, "append", lambda self, *row: append(self, *row, real=real))
        with pytest.raises(Killed):
            run_recipe(recipe, registry, Path("runs/small"))
    with (tmp_path / "runs/small/completions.jsonl").open("a") as file:
        file.write('{"cell": "half a li')
    return Path("runs/small"), seen


def test_an_unfinished_run_shows_what_is_there_and_how_it_ends(unfinished, give):
    folder, seen = unfinished
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    found = json.loads(give("show", "small", "--json")[1])
    assert (found["state"], found["completions"]) == ("unfinished", 11)
    # five unsteered, four depths of which two are one layer with two multipliers, and five of the best
    assert found["planned"] == 5 + 4 * 4 + 5
    assert found["command"] == (
        f"steerkit run {folder.absolute().parents[1] / 'recipe.toml'} --set run.seed=3 --out runs/small"
    )
    by_cell = {cell["id"]: cell for cell in found["cells"]}
    for name in {cell for cell, _ in seen}:
        own = [row for cell, row in seen if cell == name]
        assert by_cell[name]["completions"] == len(own)
        assert by_cell[name]["tokens"] == sum(row.tokens for row in own)
    assert sorted((cell["layer"] or -1, cell["multiplier"] or 0) for cell in found["cells"]) == [
        (-1, 0), (1, 2.0), (1, 8.0), (2, 2.0), (2, 8.0),
    ]  # fmt: skip
    code, out, err = give("show", "small")
    assert (code, err) == (0, "")
    assert "small is unfinished: 11 of at most 26 completions; nothing is judged yet" in out
    assert out.splitlines()[-1].strip() == found["command"]
    name = seen[0][0]
    texts = [row.text for cell, row in seen if cell == name]
    rows = json.loads(give("show", "small", "--cell", name[:6], "--json")[1])
    assert [row["text"] for row in rows] == texts
    # whoever looks changes nothing: another process may be at work on it
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("command", ["compare", "agree", "label", "chat", "export", "show --selection"])
def test_what_needs_results_says_how_to_get_them(command, unfinished, give):
    folder, _ = unfinished
    recipe = folder.absolute().parents[1] / "recipe.toml"
    assert give(*COMMANDS[command]) == (
        2,
        "",
        (
            "error: runs/small: unfinished, 11 of at most 26 completions: look at it with `steerkit show"
            f" runs/small`, and finish it with `steerkit run {recipe} --set run.seed=3 --out runs/small`\n"
        ),
    )


def test_a_run_that_has_begun_nothing_can_be_shown(tmp_path, monkeypatch, give):
    monkeypatch.chdir(tmp_path)
    mark = document_fingerprint({})
    with open_run(Path("runs/new"), mark) as store:
        manifest = {"name": "new", "recipe_fingerprint": mark, "started": "", "settings": [], "models": []}
        store.write_json("manifest.json", manifest)
        store.write_text("recipe.toml", "")
    code, out, _ = give("show", "new")
    assert code == 0
    assert "new is unfinished: 0 completions; nothing is judged yet" in out
    assert out.splitlines()[-1].strip() == "steerkit run runs/new/recipe.toml --out runs/new"
