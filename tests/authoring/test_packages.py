"""What `steerkit plugins new` writes installs, passes its tests, and is used by its recipe, untouched."""

import json
import re
import tomllib

import pytest
from packaging.requirements import Requirement

from steerkit_core.cli import execute

WORDS = {"adapter": "model adapter", "prompt-set": "prompt set"}
KINDS = ("extractor", "selector", "site", "classifier", "adapter", "prompt-set")
FILES = {"pyproject.toml", "tests/test_contract.py", "recipe.toml", "README.md", ".gitignore"}
# names of other lengths than those of the installed packages, and with digits
NAMES = ("z", "top-3-words", "a23456789-b23456789-c234567890")


def test_they_are_listed_with_their_distributions(packages):
    listing = json.loads(packages.run("steerkit_core", "plugins", "list", "--json").stdout)
    brought = {(entry["kind"], entry["name"], entry["plugin"]) for entry in listing["components"]}
    assert {(WORDS.get(kind, kind), f"my-{kind}", f"my-{kind}") for kind in KINDS} <= brought
    records = {record["name"]: record for record in listing["plugins"]}
    assert {record["status"] for record in records.values()} == {"active"}
    assert {records[f"my-{kind}"]["distribution"] for kind in KINDS} == {
        f"steerkit-my-{kind}" for kind in KINDS
    }


def test_they_keep_their_contracts(packages):
    done = packages.run(
        "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "--import-mode=importlib",
        *map(str, packages.folders.values()),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    last = done.stdout.splitlines()[-1]
    assert re.fullmatch(r"\d+ passed in .*", last), "nothing is skipped"
    assert int(last.split()[0]) > len(KINDS) * 10


@pytest.mark.parametrize("kind", KINDS)
def test_its_recipe_uses_it(packages, kind):
    recipe = str(packages.folders[kind] / "recipe.toml")
    done = packages.run("steerkit_core", "check", recipe, "--json")
    assert done.returncode == 0, done.stderr
    (group,) = json.loads(done.stdout)["groups"]
    (setting,) = group["settings"]
    if kind == "adapter":
        assert group["model"] == "bundled:mistral-s"
        assert "my-adapter" not in json.dumps(setting)
    elif kind == "prompt-set":
        assert (
            "contrast      my-prompt-set (8 + 8)" in packages.run("steerkit_core", "check", recipe).stdout
        )
    else:
        assert setting[kind]["use"] == f"my-{kind}"


def test_the_schema_knows_them(packages):
    jsonschema = pytest.importorskip("jsonschema", reason="until jsonschema is installed")
    schema = json.loads(packages.run("steerkit_core", "schema").stdout)
    trim = schema["definitions"]["extractor-my-extractor"]["properties"]["trim"]
    assert trim == {
        "description": "share of a class left out at either end",
        "type": "number",
        "minimum": 0,
        "maximum": 0.49,
        "default": 0.1,
    }
    for kind, folder in packages.folders.items():
        recipe = tomllib.loads((folder / "recipe.toml").read_text("utf-8"))
        assert jsonschema.Draft7Validator(schema).is_valid(recipe), kind
        if kind == "extractor":
            recipe["extractor"]["trim"] = 0.5
            assert not jsonschema.Draft7Validator(schema).is_valid(recipe)


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_six_files_and_depends_on_the_core(packages, kind):
    folder = packages.folders[kind]
    module = f"steerkit_my_{kind.replace('-', '_')}"
    written = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert {path for path in written if "__pycache__" not in path} == FILES | {f"{module}.py"}
    project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [Requirement(line).name for line in project["dependencies"]]
    assert "steerkit-core" in wanted
    assert "steerkit" not in wanted, "another project has that name"
    assert project["entry-points"] == {"steerkit": {f"my-{kind}": module}}


@pytest.fixture(scope="module")
def written(tmp_path_factory, host):
    """Packages of every kind under short and long names."""
    home = tmp_path_factory.mktemp("written")
    for kind in KINDS:
        for number, name in enumerate(NAMES):
            out = str(home / f"{kind}-{number}")
            assert execute(["plugins", "new", kind, name, "--out", out, "--json"], host) == 0
    return home


def test_ruff_finds_nothing(packages, written):
    pytest.importorskip("ruff", reason="until ruff is installed")
    for home in (packages.folders["site"].parent, written):
        for command in (["check"], ["format", "--check"]):
            done = packages.run("ruff", *command, "--no-cache", str(home))
            assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow  # reason: mypy reads torch and transformers
@pytest.mark.parametrize("kind", KINDS)
def test_mypy_finds_nothing_strictly(packages, kind, tmp_path_factory, says):
    pytest.importorskip("mypy", reason="until mypy is installed")
    cache = str(tmp_path_factory.getbasetemp() / "mypy")
    done = packages.run("mypy", "--strict", "--cache-dir", cache, ".", cwd=packages.folders[kind])
    says(done.stdout)


@pytest.mark.slow  # reason: a whole experiment for every kind
@pytest.mark.parametrize("kind", KINDS)
def test_as_its_readme_says(packages, kind, tmp_path):
    """Installed so that it can be changed, tested in its own folder, and run from there."""
    folder, site = packages.folders[kind], tmp_path / "site"
    installed = packages.run(
        "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--target", str(site),
        "-e", str(folder),
    )  # fmt: skip
    assert installed.returncode == 0, installed.stderr
    (pointer,) = site.glob("*.pth")
    assert pointer.read_text().strip() == str(folder)
    tested = packages.run("pytest", "-q", "-p", "no:cacheprovider", cwd=folder)
    assert tested.returncode == 0, tested.stdout
    out = str(tmp_path / "run")
    ran = packages.run("steerkit_core", "run", "recipe.toml", "--out", out, "--quiet", "--json", cwd=folder)
    assert ran.returncode == 0, ran.stderr
    cells = {cell["role"]: cell for cell in json.loads(ran.stdout)["cells"]}
    assert cells["baseline"]["counts"]["refusal"] == 0
    assert cells["steered"]["counts"]["refusal"] >= 20
    assert cells["steered"]["multiplier"] == (1.5 if kind == "adapter" else 4.0)
