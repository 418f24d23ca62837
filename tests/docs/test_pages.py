"""Links lead somewhere, and the commands that the pages show exist."""

import re
import shlex

import pytest
from docs_pages import DOCS, PAGES, ROOT, anchors, blocks, links

from steerkit_core.cli import make_group
from steerkit_core.recipe.parsing import find_recipe, load_recipe, parse_recipe


def name_of(page):
    return str(page.relative_to(ROOT))


def wrong_ways():
    return [page for page in PAGES if page.parent.name == "gotchas"]


def commands():
    return [
        pytest.param(line.strip(), id=f"{name_of(page)}: {line.strip()}")
        for page in PAGES
        for _, _, body in blocks(page.read_text("utf-8"), "bash", "sh")
        for line in body.splitlines()
        if line.strip().startswith("steerkit ")
    ]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_relative_links_resolve(page):
    for target in links(page.read_text("utf-8")):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file.read_text("utf-8")), target


def test_the_index_names_every_page():
    index = DOCS / "README.md"
    named = {(DOCS / target.partition("#")[0]).resolve() for target in links(index.read_text("utf-8"))}
    assert {page for page in PAGES if DOCS in page.parents} - named == {index}


@pytest.mark.parametrize("line", commands())
def test_commands_are_understood(line, shipped, host):
    group = make_group()
    list(host.collect("steerkit_add_commands", group=group))
    command_line = re.split(r" [<>|] ", line)[0]  # what a shell sends elsewhere, or takes from a file
    name, *arguments = shlex.split(command_line, comments=True)[1:]
    command = group.get_command(None, name)
    assert command is not None
    if hasattr(command, "commands") and arguments:
        command = command.get_command(None, arguments.pop(0))
        assert command is not None
    parameters = command.make_context(name, arguments).params
    recipe = parameters.get("recipe")
    if recipe in shipped.recipes:
        load_recipe(find_recipe(recipe, shipped), shipped, parameters["changes"])


@pytest.mark.parametrize("page", wrong_ways(), ids=name_of)
def test_a_trap_has_symptom_cause_wrong_and_right(page, shipped, build):
    text = page.read_text("utf-8")
    places = [text.find(f"\n**{word}.**") for word in ("Symptom", "Cause", "Wrong", "Right")]
    assert -1 not in places
    assert places == sorted(places)
    for _, language, body in blocks(text):
        if language == "python":
            compile(body, name_of(page), "exec")
        if language == "toml":
            assert parse_recipe(build.completed(body), shipped, source="example", folder=DOCS).settings


@pytest.mark.parametrize("page", sorted((DOCS / "guide").glob("*.md")), ids=name_of)
def test_recipes_of_the_guide_load(page, shipped, build):
    for _, _, body in blocks(page.read_text("utf-8"), "toml"):
        assert parse_recipe(build.completed(body), shipped, source="example", folder=DOCS).settings


def test_the_page_on_recipes_shows_errors_that_are_printed(shipped, build):
    page = (DOCS / "guide" / "recipes.md").read_text("utf-8")
    mistakes = '[selector]\nuse = "sweep"\ndepths = [1.5]\n[extractor]\nuse = "dim"\nnormalise = 1\n'
    printed = build.refusal(f'{mistakes}[classifier]\nuse = "keyword"\n', shipped).splitlines()
    for _, _, body in blocks(page, "text"):
        assert sorted(body.splitlines()) == sorted(printed)
