"""A recipe as text, and changes to it."""

import pytest

from steerkit_core import hookimpl
from steerkit_core.errors import RecipeError
from steerkit_core.recipe.parsing import parse_recipe

GOOD = """\
# a comment of the user's
[run]
name = "mine"      # the folder

[model]
id = "somewhere"

[prompts]
contrast = "refusal-5"
evaluation = "benign-30"

[extractor]
use = "dim"

[selector]
use = "sweep"

[site]
use = "residual-add"
multiplier = 4.0

[classifier]
use = "refusal-keywords"
"""


def refused(text, registry, **kwargs):
    with pytest.raises(RecipeError) as caught:
        parse_recipe(text, registry, **kwargs)
    return str(caught.value).splitlines()


def brings(host, classifiers=(), sets=()):
    class Plugin:
        @hookimpl
        def steerkit_register_classifiers(self):
            return classifiers

        @hookimpl
        def steerkit_register_prompt_sets(self):
            return sets

    host.register(Plugin(), "mine")


def grid(lines, text=GOOD):
    return f"{text}\n[grid]\n{lines}\n"
