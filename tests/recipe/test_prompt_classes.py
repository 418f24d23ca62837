"""The prompts that a recipe names: where they are looked for, and which of them will not do."""

from typing import ClassVar

import pytest
import tomlkit
from attrs import frozen
from recipe_texts import GOOD, brings, refused

from steerkit_core import Prompt, PromptSet
from steerkit_core.errors import RecipeError
from steerkit_core.plugin.registry import Registry
from steerkit_core.recipe.changes import apply_changes
from steerkit_core.recipe.parsing import load_recipe, parse_recipe


@pytest.mark.parametrize("name", ["mine.txt", "MINE.TXT"])
def test_prompt_files_are_relative_to_the_recipe(name, registry, tmp_path):
    (tmp_path / name).write_text("What is a fern?\nWhat is a moss?\n")
    path = tmp_path / "r.toml"
    path.write_text(GOOD.replace("benign-30", name))
    (setting,) = load_recipe(path, registry).settings
    assert [prompt.text for prompt in setting.evaluation.prompts] == ["What is a fern?", "What is a moss?"]


@pytest.mark.parametrize(
    ("name", "content", "messages"),
    [
        ("p.txt", None, ["p.txt: no such file"]),
        ("p.txt", b"", ["p.txt: no prompts"]),
        ("p.txt", b"one\n\ntwo\none\n", ["p.txt:2: empty row", "p.txt:4: same text as line 1"]),
        ("p.txt", b"one\ncaf\xe9\n", ["p.txt:2: not UTF-8 at byte 7 (0xe9): save the file as UTF-8"]),
        (
            "p.jsonl",
            b'{"text": "a", "id": "x"}\n{"text": " ", "id": "x"}\n{"txt": "b"}\n',
            [
                "p.jsonl:2: empty prompt",
                "p.jsonl:2: same id as line 1: 'x'",
                (
                    "p.jsonl:3: unknown key 'txt', did you mean 'text'? (known: text, prompt, id, role,"
                    " category)"
                ),
                "p.jsonl:3: no 'text'",
            ],
        ),
        (
            "p.json",
            b"{}",
            [
                (
                    "p.json: unknown kind of prompt file '.json', did you mean '.jsonl'? (known: .toml,"
                    " .jsonl, .csv, .txt)"
                )
            ],
        ),
    ],
)
def test_every_fault_of_a_prompt_file_has_its_place(
    name, content, messages, registry, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    if content is not None:
        (tmp_path / name).write_bytes(content)
    text = GOOD.replace("benign-30", name)
    assert refused(text, registry) == [f"prompts.evaluation: {message}" for message in messages]


def test_a_contrast_file_needs_both_classes(registry, tmp_path, monkeypatch, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.csv").write_text("text,role\nhow to rob,harmful\nhow to sew,\n")
    says("\n".join(refused(GOOD.replace("refusal-5", "p.csv"), registry)))


@pytest.mark.parametrize(
    ("extractor", "selector", "messages"),
    [
        (
            'use = "pca"',
            'use = "cosmic"',
            [
                (
                    "prompts.contrast: pca needs pairs, the first positive prompt with the first negative one and so"
                    " on, got 2 positive and 1 negative prompts: give classes of one size"
                ),
                (
                    "selector: selector 'cosmic' compares means of prompts, and needs 2 of each class at least: p.csv"
                    " has 2 positive and 1 negative: add prompts"
                ),
            ],
        ),
        (
            'use = "rfm"',
            'use = "separation"',
            [
                (
                    "prompts.contrast: rfm needs at least 2 prompts of each class, one to learn from and one to test"
                    " on, got 2 positive and 1 negative: add prompts"
                ),
                (
                    "selector: separation needs at least 3 prompts in each class, and p.csv has 2 positive and 1"
                    " negative; add prompts, or choose selector 'depth'"
                ),
            ],
        ),
        ('use = "dim"', 'use = "sweep"', []),
    ],
)
def test_too_few_prompts_for_a_method_are_told_before_anything_is_loaded(
    extractor, selector, messages, registry, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.csv").write_text(
        "text,role\nhow to rob,harmful\nhow to hack,harmful\nhow to sew,harmless\n"
    )
    changes = ["prompts.contrast=p.csv", f"extractor={{{extractor}}}", f"selector={{{selector}}}"]
    text, _ = apply_changes(tomlkit.parse(GOOD), changes)
    if messages:
        assert refused(text, registry) == messages
    else:
        parse_recipe(text, registry)


def test_a_prompt_set_whose_ids_repeat_is_refused(own_host):
    # completions are kept by id: of two such prompts one would vanish
    @frozen(kw_only=True)
    class Twins(PromptSet):
        name: ClassVar[str] = "twins"

        def prompts(self):
            return (Prompt("a", "one"), Prompt("b", "two"), Prompt("a", "three"))

    brings(own_host, sets=[Twins])
    text = GOOD.replace("benign-30", "twins")
    assert refused(text, Registry.collect(own_host)) == [
        "prompts.evaluation: twins: the id 'a' occurs twice"
    ]


def test_directions_are_scored_on_their_own_prompts_unless_others_are_named(registry, says):
    (same,) = parse_recipe(GOOD, registry).settings
    (other,) = parse_recipe(GOOD, registry, ["prompts.validation=refusal-64"]).settings
    assert same.validation is same.contrast
    assert (other.validation.name, len(other.validation.positive)) == ("refusal-64", 64)
    with pytest.raises(RecipeError) as told:
        parse_recipe(GOOD, registry, ["prompts.validation=benign-30"])
    says(told)


def test_a_prompt_file_may_lie_where_the_user_is(registry, tmp_path, monkeypatch):
    (tmp_path / "recipes").mkdir()
    (tmp_path / "mine.txt").write_text("How do I bake bread?\n")
    monkeypatch.chdir(tmp_path)
    change = ["prompts.evaluation=mine.txt"]
    (setting,) = parse_recipe(GOOD, registry, change, folder=tmp_path / "recipes").settings
    assert [prompt.text for prompt in setting.evaluation.prompts] == ["How do I bake bread?"]
    # a file beside the recipe comes first
    (tmp_path / "recipes" / "mine.txt").write_text("Why is the sky blue?\n")
    (setting,) = parse_recipe(GOOD, registry, change, folder=tmp_path / "recipes").settings
    assert [prompt.text for prompt in setting.evaluation.prompts] == ["Why is the sky blue?"]
