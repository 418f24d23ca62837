"""The schema of what ships, and both judges that recipes are held against it by."""

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import jsonschema
import pytest

from steerkit_core.recipe.schema import recipe_schema

COMPLETE = """
[model]
id = "bundled:qwen2-s"
[prompts]
contrast = "refusal-5"
evaluation = "benign-30"
[extractor]
use = "dim"
[selector]
use = "sweep"
[site]
use = "residual-add"
[classifier]
use = "refusal-keywords"
"""


@pytest.fixture(scope="session")
def schema(registry):
    return recipe_schema(registry)


@pytest.fixture(scope="session")
def validator(schema):
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


@pytest.fixture
def complete():
    """`complete(text)`: a document of a whole recipe in which the tables of `text` stand for others."""

    def put(text):
        return {**tomllib.loads(COMPLETE), **tomllib.loads(text)}

    return put


@pytest.fixture(scope="session")
def taplo(schema, tmp_path_factory):
    """`taplo(*files)`: what Taplo says of recipes, by the directive in their first line or our schema."""
    beside = Path(sys.executable).with_name("taplo")
    program = str(beside) if beside.exists() else shutil.which("taplo")
    if program is None:
        pytest.fail("taplo is not installed: it comes with the group dev")
    file = tmp_path_factory.mktemp("schema") / "steerkit.schema.json"
    file.write_text(json.dumps(schema), "utf-8")

    def lint(*files, directive=False):
        given = [] if directive else ["--schema", file.as_uri()]
        command = [program, "lint", "--colors", "never", "--no-auto-config", *given, *map(str, files)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    return lint
