"""The schema takes every recipe that steerkit takes, and refuses the mistakes that it can know of."""

import re
import tomllib
from pathlib import Path

import pytest
import tomlkit

from steerkit_core.cli import execute
from steerkit_core.errors import RecipeError
from steerkit_core.recipe.parsing import parse_recipe

ROOT = Path(__file__).parents[3]
SHIPPED = sorted((ROOT / "plugins").glob("*/recipes/*.toml"), key=lambda path: path.name)
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(
    r"(?P<wrong><!-- wrong -->\n)?^```toml(?P<title>[^\n]*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE
)
# what the example after it is about: (of which table, the first words of what Taplo says)
WRONG = {
    "unknown table": '[extracter]\nuse = "dim"',
    "unknown key of a table": "[controls]\nflip = true",
    "unknown option": '[extractor]\nuse = "dim"\nnormalise = true',
    "option of another component": '[selector]\nuse = "depth"\ndepths = [0.5]',
    "unknown component": '[classifier]\nuse = "keyword"',
    "no component": "[site]\nmultiplier = 4.0",
    "required option missing": '[selector]\nuse = "fixed"',
    "required key missing": '[model]\ndtype = "auto"',
    "whole where a part is meant": "[generation]\nmax_new_tokens = 1.5",
    "text for a number": '[site]\nuse = "residual-add"\nmultiplier = "4"',
    "number for a text": "[run]\nname = 1",
    "one for a truth": '[classifier]\nuse = "refusal-tiered"\nsalad = 1',
    "text for a list": '[classifier]\nuse = "refusal-keywords"\nkeywords = "no"',
    "below the range": "[generation]\ntop_p = 0.0",
    "at an open end": '[selector]\nuse = "depth"\ndepth = 1.0',
    "in a list above the range": '[selector]\nuse = "sweep"\ndepths = [0.5, 1.5]',
    "empty list": '[selector]\nuse = "sweep"\ndepths = []',
    "no choice": '[site]\nuse = "residual-add"\nspan = "all"',
    "other side of a union": '[extractor]\nuse = "dim"\nposition = 0',
    "a position twice": '[extractor]\nuse = "dim"\nposition = [-1, -1]',
    "a name of no folder": '[run]\nname = "a/b"',
    "key of every extractor": '[extractor]\nuse = "dim"\nsource = "other"',
    "grid of an unknown option": '[grid]\n"site.multipliers" = [1.0]',
    "grid without values": '[grid]\n"site.multiplier" = []',
    "grid of no list": '[grid]\n"site.multiplier" = 1.0',
    "grid with a value twice": '[grid]\n"site.multiplier" = [1.0, 1.0]',
    "grid of a wrong value": '[grid]\n"generation.top_p" = [0.5, 2.0]',
    "grid over the run": '[grid]\n"run.seed" = [1, 2]',
    "grid of wrong components": '[[grid.extractor]]\nuse = "dim"\nseed = 1',
    "nested grid": "[grid.site]\nmultiplier = 2.0",
    "a table that is none": 'controls = "none"',
}
RIGHT = {
    "every key": "",
    "whole number for a number": '[site]\nuse = "residual-add"\nmultiplier = 4',
    "several positions": '[extractor]\nuse = "dim"\nposition = [-1, -2]',
    "a word": '[extractor]\nuse = "dim"\nposition = "suffix"\nsource = "unquantized"',
    "grid of options": '[grid]\n"site.multiplier" = [1, 2.0]\n"model.quantization" = ["none", "int8"]',
    "nested grid": '[grid.site]\nmultiplier = [1.0]\nunit = ["raw", "residual"]',
    "grid of tables": '[[grid.extractor]]\nuse = "random"\nseed = 1\n[[grid.extractor]]\nuse = "dim"',
    "grid of parts of a table": "[grid]\ncontrols = [{random = 1}, {random = 2}]",
    "grid of names": '[grid]\n"extractor.use" = ["dim", "pca"]',
    "empty grid": "[grid]",
}


def own(text, registry):
    """Whether steerkit takes a document."""
    try:
        parse_recipe(text, registry, folder=ROOT / "docs" / "reference")
    except RecipeError:
        return False
    return True


def test_recipes_that_ship_are_taken(validator, taplo):
    for path in SHIPPED:
        assert [e.message for e in validator.iter_errors(tomllib.loads(path.read_text("utf-8")))] == [], (
            path
        )
    done = taplo(*SHIPPED)
    assert done.returncode == 0, done.stderr


def documented():
    """The recipes of the pages, whole or in parts; blocks of other files have a title or other tables."""
    tables = {"run", "model", "prompts", "extractor", "selector", "site", "classifier", "generation"}
    for page in PAGES:
        for match in BLOCK.finditer(page.read_text("utf-8")):
            text = match["text"]
            known = set(tomllib.loads(text)) <= tables | {"calibration", "controls", "grid"}
            # a recipe with a title is that of a package of its own, whose components are not installed here
            if not (match["wrong"] or match["title"]) and known and tomllib.loads(text):
                yield pytest.param(text, id=f"{page.name}: {text.splitlines()[0]}")


@pytest.mark.parametrize("text", list(documented()))
def test_recipes_of_the_pages_are_taken(text, validator, complete):
    assert [error.message for error in validator.iter_errors(complete(text))] == []


def test_the_pages_have_recipes():
    assert len(list(documented())) > 12


@pytest.mark.parametrize("text", RIGHT.values(), ids=RIGHT)
def test_both_take_what_is_right(text, validator, complete, registry):
    document = complete(text)
    assert own(tomlkit.dumps(document), registry)
    assert [error.message for error in validator.iter_errors(document)] == []


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG)
def test_both_refuse_what_is_wrong(text, validator, complete, registry):
    document = complete(text)
    assert not own(tomlkit.dumps(document), registry)
    assert not validator.is_valid(document)


def test_taplo_agrees(taplo, complete, tmp_path):
    for name, text in RIGHT.items():
        (tmp_path / f"right {name}.toml").write_text(tomlkit.dumps(complete(text)))
    for name, text in WRONG.items():
        (tmp_path / f"wrong {name}.toml").write_text(tomlkit.dumps(complete(text)))
    # one by one: of many files Taplo writes its messages side by side, and now and then into each other
    refused = {file.stem for file in tmp_path.glob("*.toml") if taplo(file).returncode}
    assert refused == {f"wrong {name}" for name in WRONG}


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ('[selector]\nuse = "depth"\ndepth = 1.5', "depth = 1.5", "1.5 is greater than or equal to the maximum of 1"),
        (
            '[extractor]\nuse = "dim"\nnormalise = true',
            "normalise = true",
            "Additional properties are not allowed ('normalise' was unexpected)",
        ),
        ('[site]\nuse = "residual-add"\nspan = "all"', 'span = "all"', '"all" is not one of ["everywhere","onward","layer"]'),
        ('[classifier]\nuse = "keyword"', 'use = "keyword"', '"keyword" is not one of ["judge-model","refusal-keywords"'),
    ],
)  # fmt: skip
def test_an_editor_marks_the_line_and_says_why(text, line, said, taplo, complete, tmp_path):
    file = tmp_path / "recipe.toml"
    file.write_text(tomlkit.dumps(complete(text)))
    reported = taplo(file).stderr
    assert re.search(rf"^\d+ │ .*{re.escape(line)}$", reported, re.MULTILINE), reported
    assert said in reported
    assert "anyOf" not in reported


def test_the_directive_in_the_first_line_is_followed_and_kept(
    host, taplo, tmp_path, monkeypatch, write_recipe
):
    monkeypatch.chdir(tmp_path)
    path = write_recipe(tmp_path)
    assert execute(["schema", "--out", "steerkit.schema.json"], host) == 0
    given = "#:schema ./steerkit.schema.json\n" + path.read_text()
    path.write_text(given)
    assert taplo(path, directive=True).returncode == 0
    (tmp_path / "wrong.toml").write_text(given.replace("seed", "sed").replace("[run]", "[run]\nsed = 1"))
    assert taplo(tmp_path / "wrong.toml", directive=True).returncode != 0
    assert execute(["run", "recipe.toml", "--quiet", "--out", "plain"], host) == 0
    assert Path("plain/recipe.toml").read_text() == given
    assert execute(["run", "recipe.toml", "--quiet", "--out", "set", "--set", "run.seed=1"], host) == 0
    kept = Path("set/recipe.toml").read_text()
    assert kept.startswith("#:schema ./steerkit.schema.json\n[run]\n")
    assert tomllib.loads(kept)["run"]["seed"] == 1
