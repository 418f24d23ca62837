"""Prompt sets, and components as such, that each break one promise."""

import itertools

from attrs import define, field, frozen
from torch_at_import import Slow

from steerkit_core import Prompt, PromptSet, option
from steerkit_core.testing import PromptSetContract

COUNTER = itertools.count()


def of(*prompts):
    @frozen(kw_only=True)
    class Given(PromptSet):
        """Prompts that a test has given."""

        name = "given"

        def prompts(self):
            return tuple(prompts)

    return Given


class TestUnbroken(PromptSetContract):
    component = of(Prompt("a", "A?"), Prompt("b", "B?"))
    fails = ()


class TestImportsTorch(PromptSetContract):
    component = Slow
    fails = ("test_building_it_imports_no_torch",)


class TestSameId(PromptSetContract):
    component = of(Prompt("a", "A?"), Prompt("a", "B?"))
    fails = ("test_ids_and_texts_are_unique",)


class TestSameText(PromptSetContract):
    component = of(Prompt("a", "A?"), Prompt("b", "A?"))
    fails = ("test_ids_and_texts_are_unique",)


class TestNothing(PromptSetContract):
    component = of()
    fails = ("test_it_has_prompts", "test_its_roles_fit_one_use")


class TestBlank(PromptSetContract):
    component = of(Prompt("a", " "))
    fails = ("test_nothing_is_blank",)


class TestUnknownRole(PromptSetContract):
    component = of(Prompt("a", "A?", "harmful"))
    fails = ("test_its_roles_fit_one_use",)


class TestOneClass(PromptSetContract):
    component = of(Prompt("a", "A?", "positive"))
    fails = ("test_its_roles_fit_one_use",)


@frozen(kw_only=True)
class Shuffled(PromptSet):
    """Another order every time."""

    name = "shuffled"

    def prompts(self):
        pair = (Prompt("a", "A?"), Prompt("b", "B?"))
        return pair if next(COUNTER) % 2 else pair[::-1]


class TestShuffled(PromptSetContract):
    component = Shuffled
    fails = ("test_the_order_is_fixed",)


PROMPTS = (Prompt("a", "A?"),)


@frozen(kw_only=True)
class CapitalName(PromptSet):
    """A name that no recipe would guess."""

    name = "My Set.toml"

    def prompts(self):
        return PROMPTS


class TestCapitalName(PromptSetContract):
    component = CapitalName
    fails = ("test_its_name_can_stand_in_a_recipe",)


@frozen(kw_only=True)
class Silent(PromptSet):
    name = "silent"

    def prompts(self):
        return PROMPTS


class TestSilent(PromptSetContract):
    component = Silent
    fails = ("test_it_says_what_it_is",)


@define(kw_only=True)
class Mutable(PromptSet):
    """An attrs class that is not frozen."""

    name = "mutable"

    def prompts(self):
        return PROMPTS


class TestMutable(PromptSetContract):
    component = Mutable
    fails = ("test_it_is_frozen_and_hashable",)


@frozen(kw_only=True)
class TakenName(PromptSet):
    """The name of a prompt set of ours."""

    name = "refusal-5"

    def prompts(self):
        return PROMPTS


class TestTakenName(PromptSetContract):
    component = TakenName
    fails = ("test_a_plugin_can_register_it",)


@frozen(kw_only=True)
class NoHelp(PromptSet):
    """A field that is no option."""

    name = "no-help"
    size: int = field(default=1)

    def prompts(self):
        return PROMPTS


class TestNoHelp(PromptSetContract):
    component = NoHelp
    fails = ("test_a_plugin_can_register_it", "test_every_option_has_a_type_and_a_help")


@frozen(kw_only=True)
class WrongDefault(PromptSet):
    """A default that a recipe could not give."""

    name = "wrong-default"
    size: int = option(1.5, help="a number of prompts")

    def prompts(self):
        return PROMPTS


class TestWrongDefault(PromptSetContract):
    component = WrongDefault
    fails = ("test_its_options_survive_a_recipe",)
