from pathlib import Path
from typing import ClassVar

import pytest
from attrs import field, frozen

from steerkit_core import (
    Extractor,
    Intervention,
    ModelAdapter,
    Prompt,
    PromptSet,
    Site,
    Within,
    hookimpl,
    option,
)
from steerkit_core.errors import RecipeError
from steerkit_core.model.load_model import adapters_of
from steerkit_core.plugin.host import Host
from steerkit_core.plugin.registry import Registry, UnknownComponent
from steerkit_core.recipe.parsing import find_recipe


class Brings:
    """A plugin that brings whatever it is given."""

    def __init__(self, sites=(), sets=(), adapters=(), recipes=()):
        self.sites, self.sets, self.adapters, self.recipes = sites, sets, adapters, recipes

    @hookimpl
    def steerkit_register_sites(self):
        return self.sites

    @hookimpl
    def steerkit_register_prompt_sets(self):
        return self.sets

    @hookimpl
    def steerkit_register_model_adapters(self):
        return self.adapters

    @hookimpl
    def steerkit_register_recipes(self):
        return self.recipes


@frozen(kw_only=True)
class Nudge(Site):
    """Push a little."""

    name: ClassVar[str] = "nudge"
    multiplier: float = option(1.0, help="how much", checks=[Within(0)])

    def intervene(self, steering):
        return Intervention()


@frozen(kw_only=True)
class OtherNudge(Nudge):
    """Push in another way, under the same name."""


@frozen(kw_only=True)
class Words(PromptSet):
    """Two words."""

    name: ClassVar[str] = "words"

    def prompts(self):
        return (Prompt("a", "one"), Prompt("b", "two"))


class Undecorated(Nudge):
    """Forgot @frozen."""

    name: ClassVar[str] = "undecorated"


@frozen(kw_only=True)
class Nameless(Site):
    """Forgot the name."""

    def intervene(self, steering):
        return Intervention()


@frozen(kw_only=True)
class Numbered(Nudge):
    """A name that is no word."""

    name: ClassVar[int] = 3


@frozen(kw_only=True)
class Undeclared(Site):
    """A field without help."""

    name: ClassVar[str] = "undeclared"
    strength: float = field(default=1.0)

    def intervene(self, steering):
        return Intervention()


@frozen(kw_only=True)
class Unfinished(Site):
    """Forgot to intervene."""

    name: ClassVar[str] = "unfinished"


@frozen(kw_only=True)
class Reserved(Extractor):
    """An option with the name of a key that the core takes out of the table."""

    name: ClassVar[str] = "reserved"
    source: str = option("here", help="where from")

    def extract(self, model, contrast, layers):
        raise NotImplementedError


def test_an_option_cannot_have_the_name_of_a_key_that_the_core_handles():
    class BringsIt:
        @hookimpl
        def steerkit_register_extractors(self):
            return [Reserved]

    registry = collected(a=BringsIt())
    assert errors(registry) == {
        "a": (
            f"hook steerkit_register_extractors returned {PLACE}Reserved'>, whose option 'source' has the"
            " name of a key that every extractor has"
        )
    }


def collected(**plugins):
    host = Host.load([])
    for name, plugin in plugins.items():
        host.register(plugin, name, distribution=f"steer-{name}")
    return Registry.collect(host)


def errors(registry):
    return {record.name: record.error for record in registry.host.failed}


def refused(registry, word, name):
    with pytest.raises(UnknownComponent) as caught:
        registry.get(word, name)
    return str(caught.value)


def test_components_are_found_by_kind_and_name():
    registry = collected(a=Brings(sites=[Nudge]), b=Brings(sets=[Words]))
    assert registry.get("site", "nudge") is Nudge
    assert registry.get("prompt set", "words") is Words
    assert registry.names("site") == ("nudge",)
    assert [(word, name, entry.plugin.name) for word, name, entry in registry] == [
        ("site", "nudge", "a"),
        ("prompt set", "words", "b"),
    ]
    assert errors(registry) == {}


PLACE = f"<class '{__name__}."


@pytest.mark.parametrize(
    ("component", "fault"),
    [
        (Words, f"{PLACE}Words'>, expected a subclass of Site"),
        (Nudge(), "Nudge(multiplier=1.0), expected a subclass of Site"),
        ("nudge", "'nudge', expected a subclass of Site"),
        (Nameless, f"{PLACE}Nameless'>, which has no class attribute `name`"),
        (Numbered, f"{PLACE}Numbered'>, which has no class attribute `name`"),
        (
            Undecorated,
            f"{PLACE}Undecorated'>, which is no attrs class: decorate it with @frozen(kw_only=True)",
        ),
        (Unfinished, f"{PLACE}Unfinished'>, which does not implement intervene"),
        (
            Undeclared,
            f"{PLACE}Undeclared'>, whose field 'strength' is not declared with option(..., help=...)",
        ),
    ],
)
def test_what_cannot_be_a_component_makes_its_plugin_fail(component, fault):
    registry = collected(bad=Brings(sites=[component]), good=Brings(sites=[Nudge]))
    assert errors(registry) == {"bad": f"hook steerkit_register_sites returned {fault}"}
    assert registry.names("site") == ("nudge",)


@pytest.mark.parametrize(
    ("word", "name", "message"),
    [
        ("site", "nudgee", "no site named 'nudgee', did you mean 'nudge'? (installed: nudge)"),
        ("site", "ablate", "no site named 'ablate' (installed: nudge)"),
        ("classifier", "judge", "no classifier named 'judge' (installed: none)"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest_and_those_installed(word, name, message):
    assert refused(collected(a=Brings(sites=[Nudge])), word, name) == message


def test_a_failed_plugin_is_named_where_its_component_was_wanted(says):
    registry = collected(a=Brings(sites=[Nudge]), b=Brings(sites=5))
    says(refused(registry, "site", "shove"))


def test_a_name_that_two_plugins_claim_is_refused_naming_both(says):
    registry = collected(a=Brings(sites=[Nudge]), b=Brings(sites=[OtherNudge]))
    says(refused(registry, "site", "nudge"))
    assert errors(registry) == {"b": "site 'nudge' is already registered by plugin 'a' (steer-a)"}


def test_the_same_name_may_be_used_by_components_of_different_kinds():
    @frozen(kw_only=True)
    class NudgeWords(Words):
        name: ClassVar[str] = "nudge"

    registry = collected(a=Brings(sites=[Nudge]), b=Brings(sets=[NudgeWords]))
    assert registry.get("site", "nudge") is Nudge
    assert registry.get("prompt set", "nudge") is NudgeWords


@frozen(kw_only=True)
class Family(ModelAdapter):
    """Serves nothing."""

    name: ClassVar[str] = "family"

    def serves(self, config):
        return False

    def blocks(self, model):
        return []

    def attention(self, block):
        return block

    def mlp(self, block):
        return block


@frozen(kw_only=True)
class SecondFamily(Family):
    """The same name."""


@frozen(kw_only=True)
class EagerFamily(Family):
    """Asked before the others."""

    name: ClassVar[str] = "zeal"
    priority: ClassVar[int] = 5


def test_adapters_are_asked_by_priority_and_then_by_name():
    registry = collected(a=Brings(adapters=[Family]), b=Brings(adapters=[EagerFamily]))
    assert adapters_of(registry) == [EagerFamily(), Family()]


def test_an_adapter_that_two_plugins_claim_loads_no_model(says):
    registry = collected(a=Brings(adapters=[Family]), b=Brings(adapters=[SecondFamily]))
    with pytest.raises(UnknownComponent) as caught:
        adapters_of(registry)
    says(caught)


def test_recipes_are_known_by_their_file_name():
    registry = collected(a=Brings(recipes=[Path("x/paper.toml")]), b=Brings(recipes=["y/small.toml"]))
    assert registry.recipes == {"paper": Path("x/paper.toml"), "small": Path("y/small.toml")}
    assert find_recipe("paper", registry) == Path("x/paper.toml")


def test_a_recipe_that_two_plugins_ship_is_refused_naming_both(says):
    registry = collected(a=Brings(recipes=[Path("x/paper.toml")]), b=Brings(recipes=[Path("y/paper.toml")]))
    with pytest.raises(RecipeError) as caught:
        find_recipe("paper", registry)
    says(caught)
    assert errors(registry) == {"b": "recipe 'paper' is already registered by plugin 'a' (steer-a)"}


def test_a_recipe_that_is_no_path_makes_its_plugin_fail():
    registry = collected(a=Brings(recipes=[3]), b=Brings(recipes=[Path("good.toml")]))
    assert errors(registry) == {"a": "hook steerkit_register_recipes returned 3, expected a path"}
    assert list(registry.recipes) == ["good"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("papr", "no recipe 'papr': no such file, did you mean 'paper'? (shipped: paper, small)"),
        ("my.toml", "no recipe 'my.toml': no such file (shipped: paper, small)"),
    ],
)
def test_a_recipe_that_is_nowhere(name, message):
    registry = collected(a=Brings(recipes=[Path("paper.toml"), Path("small.toml")]))
    with pytest.raises(RecipeError) as caught:
        find_recipe(name, registry)
    assert str(caught.value) == message
