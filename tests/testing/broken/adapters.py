"""Model adapters that each break one promise."""

from attrs import frozen

from steerkit_core import FamilyDefaults, ModelAdapter
from steerkit_core.testing import ModelAdapterContract


@frozen(kw_only=True)
class Llama(ModelAdapter):
    """An adapter for Llama that keeps every promise."""

    name = "llama"

    def serves(self, config):
        return config.model_type == "llama"

    def blocks(self, model):
        return model.get_decoder().layers

    def attention(self, block):
        return block.self_attn

    def mlp(self, block):
        return block.mlp


class LlamaContract(ModelAdapterContract):
    component = Llama
    families = ("llama",)


class TestUnbrokenInARecipe(LlamaContract):
    fails = ()


@frozen(kw_only=True)
class Greedy(Llama):
    """Serves everything."""

    def serves(self, config):
        return True


class TestGreedy(LlamaContract):
    component = Greedy
    fails = ("test_it_serves_its_families_and_no_other",)


@frozen(kw_only=True)
class OneBlockOff(Llama):
    """Forgets the first block."""

    def blocks(self, model):
        return model.get_decoder().layers[1:]


class TestOneBlockOff(LlamaContract):
    component = OneBlockOff
    fails = (
        "test_what_it_reads_is_what_transformers_reports",
        "test_its_prompt_has_the_text_once_and_one_start",
    )


@frozen(kw_only=True)
class Stammer(Llama):
    """Writes the prompt twice, begin of text included."""

    def render(self, tokenizer, text):
        return 2 * super().render(tokenizer, text)


class TestStammer(LlamaContract):
    component = Stammer
    fails = ("test_its_prompt_has_the_text_once_and_one_start",)


@frozen(kw_only=True)
class Exchange(Llama):
    """Loads float32 whatever the recipe says."""

    def dtype(self, wanted, device):
        return "float32"


class TestExchange(LlamaContract):
    component = Exchange
    fails = ("test_it_chooses_a_dtype",)


@frozen(kw_only=True)
class NoKeyword(Llama):
    """An option for loading that Python cannot pass."""

    def load_options(self, config):
        return {"attn-implementation": "eager"}


class TestNoKeyword(LlamaContract):
    component = NoKeyword
    fails = (
        "test_its_options_for_loading_are_keywords",
        "test_what_it_reads_is_what_transformers_reports",
        "test_its_prompt_has_the_text_once_and_one_start",
    )


@frozen(kw_only=True)
class NoDefaults(Llama):
    """A multiplier that steers nothing."""

    defaults = FamilyDefaults(multiplier=0.0)


class TestNoDefaults(LlamaContract):
    component = NoDefaults
    fails = ("test_its_defaults_are_usable",)
