"""`steerkit plugins new`: what it prints, and what it refuses."""

import json
from functools import partial
from pathlib import Path

import pytest

import steerkit_core

PRINTED = """\
extractor 'noise', as a package that works:

    steerkit-noise/pyproject.toml
    steerkit-noise/steerkit_noise.py
    steerkit-noise/tests/test_contract.py
    steerkit-noise/recipe.toml
    steerkit-noise/README.md
    steerkit-noise/.gitignore

Your own idea goes into steerkit-noise/steerkit_noise.py. Next:

    pip install -e steerkit-noise pytest
    pytest steerkit-noise
    steerkit run steerkit-noise/recipe.toml
"""


@pytest.fixture
def new(tmp_path, monkeypatch, give):
    """`new(*arguments)` in an empty folder: exit code, standard output and standard error."""
    monkeypatch.chdir(tmp_path)
    return partial(give, "plugins", "new")


def test_it_says_what_it_wrote_and_what_comes_next(new):
    assert new("extractor", "noise") == (0, PRINTED, "")
    for line in PRINTED.splitlines()[2:8]:
        assert Path(line.strip()).is_file()


def test_a_program_reads_the_same(new):
    code, out, _ = new("prompt-set", "my-pairs", "--out", "somewhere/else", "--json")
    assert code == 0
    assert json.loads(out) == {
        "kind": "prompt set",
        "name": "my-pairs",
        "distribution": "steerkit-my-pairs",
        "module": "steerkit_my_pairs",
        "component": "MyPairsPrompts",
        "files": [
            f"somewhere/else/{name}"
            for name in (
                "pyproject.toml",
                "steerkit_my_pairs.py",
                "tests/test_contract.py",
                "recipe.toml",
                "README.md",
                ".gitignore",
            )
        ],
        "next": [
            "pip install -e somewhere/else pytest",
            "pytest somewhere/else",
            "steerkit run somewhere/else/recipe.toml",
        ],
    }


def test_a_name_may_be_written_as_python_writes_it(new):
    facts = json.loads(new("extractor", "my_own_idea", "--json")[1])
    assert (facts["name"], facts["distribution"]) == ("my_own_idea", "steerkit-my-own-idea")
    assert (facts["module"], facts["component"]) == ("steerkit_my_own_idea", "MyOwnIdeaExtractor")
    folder = Path("steerkit-my-own-idea")
    assert 'use = "my_own_idea"' in (folder / "recipe.toml").read_text()
    assert 'my_own_idea = "steerkit_my_own_idea"' in (folder / "pyproject.toml").read_text()


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("extractor", "extractor"),
        ("layer-selector", "selector"),
        ("layer_selector", "selector"),
        ("model adapter", "model adapter"),
        ("model-adapter", "model adapter"),
        ("Adapter", "model adapter"),
        ("prompt set", "prompt set"),
    ],
)
def test_a_kind_has_several_spellings(new, word, kind):
    code, out, _ = new(word, "mine", "--json")
    assert code == 0
    assert json.loads(out)["kind"] == kind


@pytest.mark.parametrize(
    ("kind", "name", "component"),
    [
        ("selector", "layer", "MyLayerSelector"),  # LayerSelector is the base class
        ("extractor", "reading", "MyReadingExtractor"),
        ("extractor", "top-3-words", "Top3WordsExtractor"),
        ("site", "steerkit-late", "SteerkitLateSite"),
    ],
)
def test_the_class_hides_no_public_name(new, kind, name, component):
    assert json.loads(new(kind, name, "--json")[1])["component"] == component


CANNOT = (
    "error: the name {name!r} cannot be that of a component and its module: expected small letters and digits,"
    " a letter first, with single hyphens or underscores between words{hint}\n"
)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("3d", ""),
        ("my plugin", ", such as 'my-plugin'"),
        ("My_Plugin", ", such as 'my_plugin'"),
        ("_private", ", such as 'private'"),
        ("`", ""),
        ("", ""),
        ("a--b", ", such as 'a-b'"),
        ("-a", ", such as 'a'"),
        ("../a", ", such as 'a'"),
        ("a\n", ", such as 'a'"),
        ("é", ""),
        ("None!", ", such as 'none'"),
    ],
)
def test_a_name_that_cannot_be_one(new, name, hint):
    assert new("site", "--", name) == (2, "", CANNOT.format(name=name, hint=hint))
    assert list(Path().iterdir()) == []


def test_other_names_that_are_refused(new):
    long = "a" * 31
    refused = {
        "class": "the name 'class' is a keyword of Python: choose another",
        "match": "the name 'match' is a keyword of Python: choose another",
        long: f"the name {long!r} has 31 characters, expected at most 30",
    }
    for name, message in refused.items():
        assert new("extractor", name) == (2, "", f"error: {message}\n")
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize(
    ("kind", "name", "message"),
    [
        ("extractor", "pca", "the extractor 'pca' already exists, from plugin 'dim' (this process)"),
        ("selector", "dim", "the name 'dim' is taken by plugin 'dim' (this process)"),
        (
            "site",
            "random",
            None,  # an extractor's name is free for a site
        ),
        (
            "site",
            "steerkit-dim",
            (
                "the name 'steerkit-dim' would give the module 'steerkit_dim', which is there: plugin 'dim'"
                " (this process)"
            ),
        ),
        (
            "site",
            "steerkit-core",
            (
                "the name 'steerkit-core' would give the module 'steerkit_core', which is there:"
                f" {steerkit_core.__file__}"
            ),
        ),
    ],
)
def test_a_name_that_is_taken(new, kind, name, message):
    code, _, err = new(kind, name)
    assert (code, err) == ((0, "") if message is None else (2, f"error: {message}\n"))
    assert len(list(Path().iterdir())) == (message is None)


def test_an_unknown_kind(new, says):
    code, out, err = new("extracter", "noise")
    assert (code, out) == (2, "")
    says(err)


def test_a_folder_that_is_there_stays_as_it_is(new):
    folder = Path("steerkit-noise")
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    message = "error: steerkit-noise already exists: name another folder with --out\n"
    assert new("extractor", "noise") == (2, "", message)
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]
    Path("file").write_text("")
    message = "error: file already exists: name another folder with --out\n"
    assert new("extractor", "noise", "--out", "file") == (2, "", message)
    Path("empty").mkdir()
    assert new("extractor", "noise", "--out", "empty")[0] == 0


def test_a_folder_that_cannot_be_written(new):
    Path("file").write_text("")
    message = "error: file/below: cannot be written: not a directory\n"
    assert new("extractor", "noise", "--out", "file/below") == (2, "", message)
