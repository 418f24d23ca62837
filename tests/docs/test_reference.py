"""The reference says what the code does: every option, component and hook, and no other."""

import attrs
import pytest
from docs_pages import DOCS, blocks

from steerkit_core.components.core_keys import ExtractionOptions
from steerkit_core.components.model_spec import ModelSpec
from steerkit_core.errors import RecipeError
from steerkit_core.plugin import hookspecs
from steerkit_core.plugin.registry import KINDS
from steerkit_core.recipe.options import GenerationOptions, PromptOptions, RunOptions
from steerkit_core.recipe.parsing import parse_recipe
from steerkit_core.recipe.prompts import read_prompt_file
from steerkit_core.recipe.tables import TABLES

RECIPE = (DOCS / "reference" / "recipe.md").read_text("utf-8")
COMPONENTS = (DOCS / "reference" / "components.md").read_text("utf-8")
HOOKS = (DOCS / "reference" / "hooks.md").read_text("utf-8")


def wrong_examples():
    found = blocks(RECIPE, "toml", "text")
    return [(body, found[index + 1][2]) for index, (wrong, _, body) in enumerate(found) if wrong]


def right_examples():
    return [body for wrong, _, body in blocks(RECIPE, "toml") if not wrong and "[[prompt]]" not in body]


def test_no_page_is_stale(build):
    assert [page.name for page, _ in build.stale_pages()] == []


def test_a_changed_word_makes_a_page_stale(build, shipped):
    changed = RECIPE.replace("folder below runs/", "folder under runs/")
    assert changed != RECIPE
    assert build.rebuilt(changed, shipped) == RECIPE


@pytest.mark.parametrize("cl", [RunOptions, ModelSpec, PromptOptions, ExtractionOptions, GenerationOptions])
def test_every_key_of_a_table_is_described(cl):
    for attribute in attrs.fields(cl):
        assert f"\n| `{attribute.name}` | " in RECIPE
        assert attribute.metadata["help"] in RECIPE


def test_every_table_has_a_section():
    headings = [line.removeprefix("## ") for line in RECIPE.splitlines() if line.startswith("## [")]
    assert headings == [f"[{table}]" for table in TABLES]


def test_every_component_has_a_section_with_its_options(shipped):
    for kind in KINDS:
        for name in shipped.names(kind.word):
            part = COMPONENTS.partition(f"\n### {name}\n")[2].partition("\n### ")[0]
            assert part, f"{kind.word} {name}"
            for option in attrs.fields(shipped.get(kind.word, name)):
                assert f"| `{option.name}` | " in part


def test_every_hook_has_a_section_and_an_example():
    hooks = [name for name in vars(hookspecs) if name.startswith("steerkit_")]
    headings = [line.removeprefix("## ") for line in HOOKS.splitlines() if line.startswith("## ")]
    assert headings == hooks
    examples = [body for _, _, body in blocks(HOOKS, "python")]
    assert len(examples) == len(hooks)
    for name, example in zip(hooks, examples, strict=True):
        assert f"@hookimpl\ndef {name}(" in example


@pytest.mark.parametrize("fragment", right_examples())
def test_examples_of_recipes_are_accepted(fragment, shipped, build):
    assert parse_recipe(build.completed(fragment), shipped, source="example", folder=DOCS).settings


def test_the_grid_of_two_axes_has_nine_settings(shipped, build):
    (fragment,) = (body for body in right_examples() if '"site.multiplier" = [10.0, 15.0, 20.0]' in body)
    settings = parse_recipe(build.completed(fragment), shipped, source="example", folder=DOCS).settings
    assert "These are nine configurations." in RECIPE
    assert len(settings) == 9
    assert {setting.selector.depths for setting in settings} == {(0.4,), (0.5,), (0.6,)}


@pytest.mark.parametrize(("fragment", "printed"), wrong_examples())
def test_examples_of_errors_are_what_is_printed(fragment, printed, shipped, build):
    with pytest.raises(RecipeError) as caught:
        parse_recipe(build.completed(fragment), shipped, source="example", folder=DOCS)
    assert f"{caught.value}\n" == printed


@pytest.mark.parametrize("language", ["toml", "jsonl", "csv", "txt"])
def test_examples_of_prompt_files_are_read(language, tmp_path):
    (body,) = (
        body for _, _, body in blocks(RECIPE, language) if language != "toml" or "[[prompt]]" in body
    )
    file = tmp_path / f"mine.{language}"
    file.write_text(body, "utf-8")
    prompts = read_prompt_file(file)
    assert len(prompts) == 2
    wanted = ["neutral", "neutral"] if language == "txt" else ["positive", "negative"]
    assert [prompt.role for prompt in prompts] == wanted
    assert prompts[0].id == "mine-1"
