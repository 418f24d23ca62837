"""A real run, of a tiny model, has the files and the fields that the page describes, and no others."""

import contextlib
import json
from importlib import import_module
from importlib.util import find_spec

import pytest
from docs_pages import DOCS, blocks, first_table, load_script, section

from steerkit_core.pipeline.recipe_run import run_recipe
from steerkit_core.plugin.host import Host
from steerkit_core.plugin.registry import Registry
from steerkit_core.recipe.parsing import parse_recipe

PAGE = (DOCS / "reference" / "run-directory.md").read_text("utf-8")
HOOKS = (DOCS / "reference" / "hooks.md").read_text("utf-8")

# free keys, and tables whose keys belong to components
NAMED_BY = {
    "versions": "<distribution>",
    "cells[].stops": "<how>",
    "models[].batch_rows": "<tokens>",
    "scores": "<name>",
    "models": "<option>",
}
LABELS = {"cells[].counts", "cells[].rates"}
OPAQUE = (
    {
        "quantization[]",
        "selections[].overrides",
        "selections[].table[]",
        "trends[]",
        "windows[].from",
        "windows[].to",
        "windows[].ranges[]",
        "windows[].garbling",
        "windows[].best",
        "cells[].calibration",
        "model",
        "extractor",
    }
    | {f"cells[].options.{part}" for part in ("extractor", "site", "classifier", "generation")}
    | {
        f"settings[].{table}"
        for table in (
            "overrides",
            "model",
            "generation",
            "calibration",
            "controls",
            "extractor",
            "selector",
            "site",
            "classifier",
        )
    }
)
# not on every machine
# the batch is measured where there are more than a few rows
OPTIONAL = {
    "hardware.accelerators[]",
    "hardware.memory_bytes",
    "models[].batch_rows.<tokens>",
    "scores.<name>",
}

RECIPE = """
[run]
name = "quickstart"
[model]
id = "tiny:qwen2"
device = "cpu"
[prompts]
contrast = "refusal-5"
evaluation = "three.txt"
[extractor]
use = "dim"
[selector]
use = "sweep"
depths = [0.3, 0.6]
multipliers = [2.0, 4.0]
[site]
use = "residual-add"
multiplier = 2.0
[classifier]
use = "refusal-keywords"
[generation]
max_new_tokens = 6
"""

OWN = RECIPE.replace('"dim"', '"median"').replace('"refusal-keywords"', '"opening"')
OWN = OWN.replace('"sweep"\ndepths = [0.3, 0.6]\nmultipliers = [2.0, 4.0]', '"longest"\nbelow = 0.5')
OWN = OWN.replace('"residual-add"\nmultiplier = 2.0', '"clamp"\ntarget = 5.0').replace("6\n", "2\n")
OWN += "[controls]\nrandom = 0\nshuffled = 0\nflipped = false\n"


@pytest.fixture(scope="module")
def host(build, tmp_path_factory):
    """The shipped plugins, tiny models, and the examples of the page on hooks."""
    from steerkit_core.testing.tiny import TinyModels

    folder = tmp_path_factory.mktemp("plugins")
    host = Host.load(points=[])
    for record in build.shipped_registry().host.records.values():
        host.register(import_module(record.module), record.name)
    host.register(TinyModels(folder), "tiny")
    for number, (_, _, body) in enumerate(blocks(HOOKS, "python")):
        name = f"hooks_example_{number}"
        (folder / f"{name}.py").write_text(body, "utf-8")
        host.register(load_script(folder / f"{name}.py", name), name)
    return host


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    (folder / "three.txt").write_text("What is a verb?\nHow do I bake bread?\nTell me a joke\n", "utf-8")
    return folder


def run(text, host, home, name):
    registry = Registry.collect(host)
    assert host.failed == ()
    recipe = parse_recipe(text, registry, source="recipe.toml", folder=home)
    run_recipe(recipe, registry, home / "runs" / name)
    return home / "runs" / name


@pytest.fixture(scope="module")
def finished(host, home):
    return run(RECIPE, host, home, "quickstart")


def flatten(value, place=""):
    """Every leaf of a JSON value with its place: `cells[].rates.<label>.k` and what stands there."""
    if isinstance(value, dict) and place not in OPAQUE:
        key = "<label>" if place in LABELS else NAMED_BY.get(place)
        for name, inner in value.items():
            yield from flatten(inner, f"{place}.{key or name}".lstrip("."))
    elif isinstance(value, list) and place not in ("positions", "layers", "spans"):
        if not value:
            yield f"{place}[]", None
        for inner in value:
            yield from flatten(inner, f"{place}[]")
    else:
        yield place, value


def kind(value):
    names = {bool: "boolean", int: "integer", float: "number", str: "string", dict: "table", list: "list"}
    return "null" if value is None else names[type(value)]


def compare(documented, values):
    """Fail unless the places are the same and every value is of the type that is given."""
    found = {}
    for place, value in values:
        found.setdefault(place, []).append(value)
    for place in list(found):
        # a table that is null for some entries, or a list that is empty for all
        inside = any(other.startswith((f"{place}.", f"{place}[]")) for other in found)
        if found[place] == [None] * len(found[place]) and inside:
            del found[place]
    assert set(found) - set(documented) == set()
    assert set(documented) - set(found) <= OPTIONAL
    for place, seen in found.items():
        types = {kind(value) for value in seen}
        if place.endswith("[]"):
            types.discard("null")
        allowed = set(documented[place].split(" or "))
        if "number" in allowed:
            allowed.add("integer")
        assert types <= allowed, f"{place}: {types}, documented as {documented[place]}"


def documented(heading):
    return {row[0]: row[1] for row in first_table(section(PAGE, heading))}


def test_files_are_those_of_the_page(finished):
    files = {row[0] for row in first_table(PAGE)}
    assert {path.name for path in finished.iterdir() if not path.name.startswith(".")} == files


@pytest.mark.parametrize("name", ["results.json", "manifest.json"])
def test_fields_of_json_files_are_those_of_the_page(name, finished):
    value = json.loads((finished / name).read_text("utf-8"))
    compare(documented(name), list(flatten(value)))


@pytest.mark.parametrize("name", ["cells.jsonl", "completions.jsonl", "verdicts.jsonl"])
def test_fields_of_lines_are_those_of_the_page(name, finished):
    lines = (finished / name).read_text("utf-8").splitlines()
    compare(documented(name), [leaf for line in lines for leaf in flatten(json.loads(line))])


def test_judgements_are_those_of_the_page(host, home):
    judge = '"judge-model"\nmodel = "tiny:gemma2"\nrubric = "{completion}?"'
    folder = run(RECIPE.replace('"refusal-keywords"', judge), host, home, "judged")
    for name in ("judgements.jsonl", "verdicts.jsonl"):
        lines = (folder / name).read_text("utf-8").splitlines()
        compare(documented(name), [leaf for line in lines for leaf in flatten(json.loads(line))])


def test_calibrations_are_those_of_the_page(host, home):
    searched = RECIPE.replace("multiplier = 2.0", '[calibration]\nuse = "kl"').replace(
        "[2.0, 4.0]", "[0.02, 0.05]"
    )
    folder = run(searched, host, home, "calibrated")
    lines = (folder / "calibrations.jsonl").read_text("utf-8").splitlines()
    compare(
        documented("calibrations.jsonl"), [leaf for line in lines for leaf in flatten(json.loads(line))]
    )
    cells = json.loads((folder / "results.json").read_text("utf-8"))["cells"]
    rows = first_table(section(PAGE, "results.json").partition("`calibration` of a cell")[2])
    assert {row[0] for row in rows} == set(cells[1]["calibration"])


def test_ranges_of_windows_are_those_of_the_page():
    import attrs

    from steerkit_core.results.findings import WindowRange

    rows = first_table(section(PAGE, "results.json").partition("A range of a window")[2])
    assert {name for row in rows for name in row[0].split("`, `")} == {
        field.metadata.get("key", field.name) for field in attrs.fields(WindowRange)
    }


def test_labels_are_those_of_the_page():
    from steerkit_core.judging.human_labels import COLUMNS

    assert tuple(documented("labels.csv")) == COLUMNS


def test_tensors_are_those_of_the_page(finished):
    from safetensors import safe_open

    rows = first_table(section(PAGE, "directions.safetensors"))
    facts = section(PAGE, "directions.safetensors").partition("has one entry for each key")[2]
    with safe_open(finished / "directions.safetensors", framework="pt") as file:
        kept = {key: json.loads(text) for key, text in file.metadata().items()}
        (key,) = (key for key, facts in kept.items() if "shuffled" not in facts)
        (control,) = set(kept) - {key}
        assert kept[control].keys() - kept[key].keys() == {"shuffled"}
        positions, layers, hidden = 1, 4, 32
        shapes = {"(positions, layers, hidden)": (positions, layers, hidden)}
        shapes |= {"(positions, layers)": (positions, layers), "(layers)": (layers,)}
        wanted = {
            name.replace("<key>", key): (shapes[shape], f"torch.{dtype}")
            for name, shape, dtype, _ in rows
            if "score" not in name and "axes" not in name  # which some extractors add, and `dim` does not
        }
        names = [name for name in file.keys() if name.startswith(key)]  # noqa: SIM118  # reason: not a dict
        found = {name: file.get_tensor(name) for name in names}
        assert {name: (tuple(t.shape), str(t.dtype)) for name, t in found.items()} == wanted
        compare(
            {row[0]: row[1] for row in first_table(facts)}, list(flatten(json.loads(file.metadata()[key])))
        )


@pytest.mark.skipif(find_spec("pandas") is None, reason="until pandas is installed")
def test_examples_of_reading_work(finished, home, capsys):
    examples = [body for _, _, body in blocks(PAGE, "python")]
    assert len(examples) == 2
    with contextlib.chdir(home):
        first: dict = {}
        exec(compile(examples[0], "pandas example", "exec"), first)
        second: dict = {}
        exec(compile(examples[1], "safetensors example", "exec"), second)
    results = json.loads((finished / "results.json").read_text("utf-8"))
    assert len(first["rows"]) == sum(cell["n"] + cell["failed"] for cell in results["cells"])
    assert int(first["by_category"].sum()) == len(first["rows"])
    assert float(second["units"].norm(dim=-1).max()) == pytest.approx(1.0, abs=1e-5)
    assert "dim tensor(1." in capsys.readouterr().out


def test_the_example_plugins_run_an_experiment(host, home, capsys):
    out = run(OWN, host, home, "own")
    results = json.loads((out / "results.json").read_text("utf-8"))
    baseline, steered = results["cells"]
    assert (steered["extractor"], steered["selector"], steered["site"]) == ("median", "longest", "clamp")
    assert set(baseline["counts"]) == {"refusal", "normal"}
    norms = [row["raw_norm"] for row in results["selections"][0]["table"]]
    assert len(norms) == 2
    assert steered["layer"] == norms.index(max(norms))
    said = capsys.readouterr().out
    assert f"{steered['id']}: {steered['counts']}" in said
    assert f"2 cells, selected: {steered['id']}" in said
