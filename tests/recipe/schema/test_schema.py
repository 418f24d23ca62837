"""What an editor reads out of the schema."""

import json
import subprocess
import sys

import attrs

from steerkit_core.cli import execute
from steerkit_core.components.core_keys import CORE_KEYS
from steerkit_core.recipe.tables import COMPONENT_TABLES, OPTION_TABLES, TABLES, TRANSFER


def offered(schema, part):
    """The keys that Taplo completes in a table: below `properties`, and in every choice; not below `then`."""
    if "$ref" in part:
        return offered(schema, schema["definitions"][part["$ref"].removeprefix("#/definitions/")])
    keys = dict(part.get("properties", {}))
    for choice in (*part.get("anyOf", ()), *part.get("oneOf", ())):
        for key, found in offered(schema, choice).items():
            keys.setdefault(key, found)
    return keys


def test_every_table_and_option_is_offered(schema, registry):
    assert list(schema["properties"]) == [*TABLES, TRANSFER]
    for table, cl in OPTION_TABLES.items():
        keys = offered(schema, schema["properties"][table])
        assert list(keys) == [field.name for field in attrs.fields(cl)]
    for word in COMPONENT_TABLES:
        keys = offered(schema, schema["properties"][word])
        options = {
            field.name for name in registry.names(word) for field in attrs.fields(registry.get(word, name))
        }
        shared = {field.name for field in attrs.fields(CORE_KEYS[word])} if word in CORE_KEYS else set()
        assert set(keys) == {"use"} | options | shared
        assert keys["use"]["enum"] == list(registry.names(word))


def test_every_key_is_explained(schema, registry):
    tables = [schema["properties"][table] for table in TABLES]
    for part in (*tables, *schema["definitions"].values()):
        assert part["description"]
        for key, found in part["properties"].items():
            assert found.get("description") or "anyOf" in found or found["type"] == "array", key
    shown = schema["definitions"]["extractor-random"]["properties"]
    random = attrs.fields(registry.get("extractor", "random"))
    assert shown["seed"]["description"] == random.seed.metadata["help"]
    assert shown["source"]["default"] == "self"


def test_what_must_be_said(schema):
    assert schema["required"] == ["model", "prompts", "extractor", "selector", "site", "classifier"]
    assert schema["definitions"]["selector-fixed"]["required"] == ["use", "layer"]


def test_prompt_sets_are_offered_where_they_fit(schema):
    keys = schema["properties"]["prompts"]["properties"]
    names = {key: found["anyOf"][0]["enum"] for key, found in keys.items()}
    assert names["contrast"] == names["validation"] == ["refusal-5", "refusal-64", "refusal-val-32"]
    assert names["evaluation"] == names["selection"] == ["benign-30", "selection-30"]


def test_the_command_prints_and_writes_the_same(schema, host, capsys, tmp_path):
    assert execute(["schema"], host) == 0
    printed = capsys.readouterr().out
    assert json.loads(printed) == json.loads(json.dumps(schema))
    file = tmp_path / "s.json"
    assert execute(["schema", "--out", str(file)], host) == 0
    assert file.read_text("utf-8") == printed
    assert capsys.readouterr().out == (
        f"written: {file}\n\nThe first line of a recipe beside it:\n\n    #:schema ./s.json\n"
    )
    assert execute(["schema", "--out", str(tmp_path / "none" / "s.json")], host) == 2
    missing = tmp_path / "none" / "s.json"
    assert capsys.readouterr().err == f"error: {missing}: cannot be written: no such file or directory\n"


def test_no_torch():
    program = "import sys; from steerkit_core.cli import execute; code = execute(['schema']); "
    program += "sys.exit('torch' if 'torch' in sys.modules else code)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
