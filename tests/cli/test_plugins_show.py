"""`steerkit plugins show`: where a component comes from, what it takes, and how a recipe uses it."""

import inspect
import json
import tomllib
from typing import ClassVar, Literal

import pytest
from attrs import frozen

from steerkit_core import Classifier, Verdict, Within, hookimpl, not_empty, option
from steerkit_core.recipe.parsing import parse_recipe
from steerkit_core.recipe.tables import COMPONENT_TABLES

SHOWN = """\
classifier sweep
from plugin 'mine' (this process), {module}
{file}, line {line}

Counts words.

It does so for any text, however long it is, and gives the label that the number
of its words asks for.

  - few: normal
  - many: refusal

reference: Nobody, 2020

cost: none

option  type                             default   meaning
many    an integer of at least 1         required  how many words are many
words   a list, each a string (not       ["a"]     words that count
        empty)
case    one of 'any', 'lower'            "any"     which letters are looked at

in a recipe:

    [classifier]
    use = "sweep"
    many = 1
    words = ["a"]
    case = "any"
"""


@frozen(kw_only=True)
class CountsWords(Classifier):
    """Counts words.

    It does so for any text,
    however long it is, and gives the label that the number of its words asks for.

      - few: normal
      - many: refusal
    """

    name: ClassVar[str] = "sweep"
    reference: ClassVar[str] = "Nobody, 2020"
    cost: ClassVar[str] = "none"

    many: int = option(help="how many words are many", checks=[Within(1)])
    words: tuple[str, ...] = option(("a",), help="words that count", checks=[not_empty])
    case: Literal["any", "lower"] = option("any", help="which letters are looked at")

    def classify(self, prompt, text):
        return Verdict("normal")


class Mine:
    @hookimpl
    def steerkit_register_classifiers(self):
        return [CountsWords]


@pytest.fixture
def show(give, own_host, monkeypatch):
    """`show(*arguments)` with a classifier that has a selector's name, on 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")
    own_host.register(Mine(), "mine")

    def run(*arguments):
        code, out, err = give("plugins", "show", *arguments)
        return code, "\n".join(line.rstrip() for line in out.split("\n")), err

    return run


def test_all_that_is_known_of_a_component(show):
    code, out, err = show("classifier:sweep")
    assert (code, err) == (0, "")
    _, line = inspect.getsourcelines(CountsWords)
    assert out == SHOWN.format(module=__name__, file=__file__, line=line)


def test_a_name_of_two_kinds_shows_both(show):
    _, out, _ = show("sweep")
    assert [line for line in out.splitlines() if line in ("selector sweep", "classifier sweep")] == [
        "selector sweep",
        "classifier sweep",
    ]
    assert [entry["kind"] for entry in json.loads(show("sweep", "--json")[1])] == ["selector", "classifier"]
    assert [entry["kind"] for entry in json.loads(show("layer-selector:sweep", "--json")[1])] == [
        "selector"
    ]


def test_the_source_is_printed_when_asked_for(show):
    source = inspect.getsource(CountsWords)
    assert show("classifier:sweep", "--source")[1].endswith(f"\nsource:\n\n{source}")
    (entry,) = json.loads(show("classifier:sweep", "--source", "--json")[1])
    assert entry["source"] == source
    assert "source" not in json.loads(show("classifier:sweep", "--json")[1])[0]


def test_a_program_reads_its_options_and_place(show):
    (entry,) = json.loads(show("classifier:sweep", "--json")[1])
    assert (entry["file"], entry["line"]) == (__file__, inspect.getsourcelines(CountsWords)[1])
    assert [(one["name"], one["bounds"], one["checks"]) for one in entry["options"]] == [
        ("many", ["of at least 1"], []),
        ("words", [], ["not empty"]),
        ("case", [], []),
    ]
    assert tomllib.loads(entry["recipe"]) == {
        "classifier": {"use": "sweep", "many": 1, "words": ["a"], "case": "any"}
    }


def test_kinds_without_options(show):
    assert show("prompt-set:benign-30")[1].endswith(
        'no options\n\nprompts: 30 neutral\n\nin a recipe:\n\n    [prompts]\n    evaluation = "benign-30"\n'
    )
    assert show("refusal-5")[1].endswith('\n    [prompts]\n    contrast = "refusal-5"\n')
    assert show("adapter:gemma")[1].endswith(
        "no options\n\npriority 0, multiplier of the family 25\n\n"
        "no recipe names an adapter: of those that serve a model the first by priority is taken\n"
    )


def test_what_is_not_there(show, registry):
    names = ", ".join(registry.names("selector"))
    assert show("selector:sweeep") == (
        2, "", f"error: no selector named 'sweeep', did you mean 'sweep'? (installed: {names})\n"
    )  # fmt: skip
    assert show("selektor:sweep")[2] == (
        "error: no kind of component 'selektor', did you mean 'selector'? (known: extractor, selector, site,"
        " classifier, model-adapter, prompt-set)\n"
    )


def test_the_recipe_lines_of_every_component_can_be_used(show, registry):
    """Put into a recipe they are taken; `transfer` alone has to be told from where."""
    whole = {
        "model": '[model]\nid = "bundled:qwen2-s"',
        "prompts": '[prompts]\ncontrast = "refusal-5"\nevaluation = "benign-30"',
        "extractor": '[extractor]\nuse = "dim"',
        "selector": '[selector]\nuse = "depth"',
        "site": '[site]\nuse = "residual-add"',
        "classifier": '[classifier]\nuse = "refusal-keywords"',
    }
    for word, name, entry in registry:
        if word in COMPONENT_TABLES and name != "transfer":
            (shown,) = json.loads(show(f"{word}:{name}", "--json")[1])
            parts = {**whole, word: shown["recipe"]}
            if word == "site":
                parts["extractor"] += f'\nmodule = "{entry.component().module}"'
            assert parse_recipe("\n".join(parts.values()), registry).settings, name


def test_the_name_of_an_option_is_never_broken(give, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    _, out, _ = give("plugins", "show", "rfm")
    (row,) = [line for line in out.splitlines() if line.startswith("leave_one_out_below ")]
    assert row.split()[1:3] == ["an", "integer"]
