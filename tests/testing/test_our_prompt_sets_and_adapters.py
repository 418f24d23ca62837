"""Our prompt sets and adapters keep the contracts that strangers are asked to keep."""

from steerkit_core.testing import (
    FAMILIES,
    KitContrast,
    KitNeutral,
    ModelAdapterContract,
    PromptSetContract,
)
from steerkit_families import Fallback, Gemma, Mistral, Qwen
from steerkit_prompts.sets import Benign30, Refusal5, Refusal64, RefusalVal32, Selection30


class TestRefusal5(PromptSetContract):
    component = Refusal5


class TestRefusal64(PromptSetContract):
    component = Refusal64


class TestRefusalVal32(PromptSetContract):
    component = RefusalVal32


class TestBenign30(PromptSetContract):
    component = Benign30


class TestSelection30(PromptSetContract):
    component = Selection30


class TestKitContrast(PromptSetContract):
    component = KitContrast


class TestKitNeutral(PromptSetContract):
    component = KitNeutral


class TestQwen(ModelAdapterContract):
    component = Qwen
    families = ("qwen2", "qwen3")


class TestGemma(ModelAdapterContract):
    component = Gemma
    families = ("gemma2", "gemma3")


class TestMistral(ModelAdapterContract):
    component = Mistral
    families = ("mistral",)


class TestFallback(ModelAdapterContract):
    component = Fallback
    families = tuple(FAMILIES)
