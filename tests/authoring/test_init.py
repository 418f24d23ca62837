"""`steerkit init` writes a recipe that is right as it stands, with every key explained."""

import json
import re
import tomllib
from pathlib import Path
from typing import ClassVar

import attrs
import pytest
from attrs import frozen

from steerkit_core import Intervention, Site, hookimpl, option
from steerkit_core.authoring.text import toml
from steerkit_core.components.core_keys import CORE_KEYS
from steerkit_core.recipe.parsing import load_recipe
from steerkit_core.recipe.tables import COMPONENT_TABLES, OPTION_TABLES, TABLES


@pytest.fixture
def steerkit(tmp_path, monkeypatch, give):
    """`steerkit(*arguments)` in an empty folder: exit code, standard output and standard error."""
    monkeypatch.chdir(tmp_path)
    return give


def options(registry, table, use):
    classes = [OPTION_TABLES[table]] if table in OPTION_TABLES else [registry.get(table, use)]
    classes += [CORE_KEYS[table]] if table in CORE_KEYS else []
    return [field for cl in classes for field in attrs.fields(cl)]


def test_every_key_stands_below_its_help(steerkit, registry):
    assert steerkit("init") == (
        0,
        "written: recipe.toml\nnext: steerkit check recipe.toml, then steerkit run recipe.toml\n",
        "",
    )
    text = Path("recipe.toml").read_text()
    document = tomllib.loads(text)
    # without the breaks of comment lines, so that a help can be found in it
    words = " ".join(re.sub("^# ", "", text, flags=re.MULTILINE).split())
    assert list(document) == [table for table in TABLES if table != "grid"]
    for table, found in document.items():
        fields = {field.name: field for field in options(registry, table, found.get("use"))}
        assert list(found) == [*(["use"] if table in COMPONENT_TABLES else []), *fields]
        for name, field in fields.items():
            assert field.metadata["help"] in words, name
            given = (table, name) in {
                ("run", "name"), ("model", "id"), ("prompts", "contrast"), ("prompts", "evaluation"),
                ("prompts", "selection"), ("site", "multiplier"), ("selector", "multipliers"),
            }  # fmt: skip
            default = list(field.default) if isinstance(field.default, tuple) else field.default
            assert given or found[name] == default, name
    assert (document["run"]["name"], document["model"]["id"]) == ("recipe", "bundled:qwen2-s")


def test_it_is_what_its_defaults_are(steerkit, registry, tmp_path):
    """Written out or left out, the defaults give the same settings."""
    assert steerkit("init", "one.toml")[0] == 0
    (written,) = load_recipe(tmp_path / "one.toml", registry).settings
    short = tmp_path / "short.toml"
    short.write_text(
        '[model]\nid = "bundled:qwen2-s"\n[prompts]\ncontrast = "refusal-5"\nevaluation = "benign-30"\n'
        'selection = "selection-30"\n[extractor]\nuse = "dim"\n[selector]\nuse = "sweep"\n'
        "multipliers = [1.0, 2.0, 4.0]\n"
        '[site]\nuse = "residual-add"\nmultiplier = 4.0\n[classifier]\nuse = "refusal-keywords"\n'
    )
    (left_out,) = load_recipe(short, registry).settings
    assert written == left_out


def every_component(registry):
    return [(word, name) for word in COMPONENT_TABLES for name in registry.names(word)]


def test_every_component_can_be_chosen(steerkit, registry, tmp_path):
    for word, name in every_component(registry):
        file = f"{word}-{name}.toml"
        code, out, err = steerkit("init", file, f"--{word}", name, "--json")
        assert (code, err) == (0, ""), name
        assert tomllib.loads(Path(file).read_text())[word]["use"] == name
        left = json.loads(out)["to_fill_in"]
        if name == "transfer":
            assert [line.partition(":")[0] for line in left] == ["extractor"], "it needs to know from where"
        else:
            assert left == [], name
            assert load_recipe(tmp_path / file, registry).settings


def test_directions_are_read_where_the_site_edits(steerkit):
    steerkit("init", "--site", "head-add")
    assert tomllib.loads(Path("recipe.toml").read_text())["extractor"]["module"] == "heads"


def test_the_multiplier_of_a_large_model_is_left_to_its_family(steerkit, model_folder):
    code, _, _ = steerkit("init", "--model", str(model_folder))
    assert code == 0
    text = Path("recipe.toml").read_text()
    document = tomllib.loads(text)
    assert "multiplier" not in document["site"]
    assert "\n# multiplier =\n" in text
    assert document["model"]["id"] == str(model_folder)


def test_the_schema_beside_it(steerkit):
    code, out, _ = steerkit("init", "sub.toml", "--schema")
    assert code == 0
    assert out.startswith("written: sub.toml, steerkit.schema.json\n")
    assert Path("sub.toml").read_text().startswith("#:schema ./steerkit.schema.json\n# A steerkit recipe.")
    schema = json.loads(Path("steerkit.schema.json").read_text())
    jsonschema = pytest.importorskip("jsonschema", reason="until jsonschema is installed")
    assert jsonschema.Draft7Validator(schema).is_valid(tomllib.loads(Path("sub.toml").read_text()))


def test_a_file_that_is_there_stays_as_it_is(steerkit):
    Path("recipe.toml").write_text("mine")
    message = "error: recipe.toml already exists: name another file, or overwrite it with --force\n"
    assert steerkit("init") == (2, "", message)
    assert Path("recipe.toml").read_text() == "mine"
    assert steerkit("init", "--force")[0] == 0
    assert Path("recipe.toml").read_text().startswith("# A steerkit recipe.")


def test_what_cannot_be_written(steerkit, says):
    code, out, err = steerkit("init", "recipe.txt")
    assert (code, out) == (2, "")
    says(err)
    missing = "error: none/recipe.toml: cannot be written: no such file or directory\n"
    assert steerkit("init", "none/recipe.toml") == (2, "", missing)
    code, _, err = steerkit("init", "--selector", "swep")
    assert code == 2
    assert err.startswith("error: no selector named 'swep', did you mean 'sweep'? (installed: adaptive, ")
    assert list(Path().iterdir()) == []


@frozen(kw_only=True)
class Picky(Site):
    """A site whose option has no value that could be guessed."""

    name: ClassVar[str] = "picky"
    place: str = option(help="a place", checks=[])

    def __attrs_post_init__(self):
        if self.place != "here":
            raise ValueError(f"place is {self.place!r}, expected 'here'")

    def intervene(self, steering):
        return Intervention()


def test_what_is_left_to_fill_in_is_said(steerkit, own_host):
    class Brings:
        @hookimpl
        def steerkit_register_sites(self):
            return [Picky]

    own_host.register(Brings(), "brings")
    assert steerkit("init", "--site", "picky") == (
        0,
        (
            "written: recipe.toml\n"
            "to be filled in before it can be run:\n"
            "    site: place is '', expected 'here'\n"
            "next: steerkit check recipe.toml, then steerkit run recipe.toml\n"
        ),
        "",
    )


@pytest.mark.parametrize(
    "value",
    [
        True, 3, 1e-8, 1e22, "", 'a "b" \\n', "\x00\x7f", "one\ntwo \\\n\"\"\"''' é", "\n", [], [[1], [2.5]],
        ["a" * 60, "b" * 60],
    ],
)  # fmt: skip
def test_values_survive_toml(value):
    found = tomllib.loads(f"value = {toml(value)}")["value"]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.slow  # reason: the whole experiment
def test_it_runs_as_it_stands(steerkit):
    assert steerkit("init")[0] == 0
    code, out, _ = steerkit("run", "recipe.toml", "--quiet", "--json")
    assert code == 0
    report = json.loads(out)
    (selected,) = [cell for cell in report["cells"] if cell["id"] == report["selected"]]
    assert selected["counts"] == {"refusal": 30, "garbled": 0, "normal": 0}
