"""The depths that the paper advises, by family and size."""

from types import SimpleNamespace

import pytest

from steerkit_core import ModelAdapter
from steerkit_core.testing import tiny_handle
from steerkit_depth import FamilyDepth
from steerkit_families import Fallback, Gemma, Mistral, Qwen


def context(adapter: ModelAdapter, parameters, layers):
    model = SimpleNamespace(adapter=adapter, num_parameters=parameters, num_layers=layers)
    return SimpleNamespace(model=model, directions=SimpleNamespace(positions=(-3, -1)))


# models of the paper: their parameters and layers as their cards give them, and the best layers of its tables
@pytest.mark.parametrize(
    ("adapter", "parameters", "layers", "best"),
    [
        (Qwen, 3_085_938_688, 36, [21]),
        (Qwen, 7_615_616_512, 28, [16]),
        (Qwen, 14_770_033_664, 48, [24]),
        (Qwen, 32_763_876_352, 64, [32]),
        (Gemma, 2_614_341_888, 26, range(7, 11)),
        (Gemma, 9_241_705_984, 42, range(12, 17)),
    ],
)
def test_the_layers_are_those_that_the_paper_found_best(adapter, parameters, layers, best):
    chosen = FamilyDepth().select(context(adapter(), parameters, layers))
    assert chosen.layer in best
    assert chosen.position == -1


def test_the_reason_names_family_size_and_depth(says):
    chosen = FamilyDepth().select(context(Qwen(), 14_770_033_664, 48))
    says(chosen.reason)


@pytest.mark.parametrize("adapter", [Mistral, Fallback])
def test_a_family_without_advice_is_steered_where_the_recipe_says(adapter):
    made = context(adapter(), 7_248_023_552, 32)
    assert FamilyDepth().select(made).layer == 16
    chosen = FamilyDepth(otherwise=0.3).select(made)
    assert (chosen.layer, chosen.reason) == (
        9,
        (
            f"no advice for family {adapter.name} with 7.25 billion parameters, so depth 0.3 by"
            " selector.otherwise (Mohammad, 2026: 60 percent for small Qwen, 50 from 14 billion on, 30 to 40"
            " for Gemma): layer 9 of 32"
        ),
    )


def test_a_family_may_bring_its_own_advice():
    class Own(Mistral):
        def depth(self, parameters):
            return 0.25 if parameters < 1e9 else 0.75

    assert FamilyDepth().select(context(Own(), 5e8, 12)).layer == 3
    assert FamilyDepth().select(context(Own(), 5e9, 12)).layer == 9


def test_parameters_are_counted_once_and_with_the_embedding(adapters):
    model = tiny_handle("qwen2", adapters, layers=2)
    own = {id(parameter): parameter.numel() for parameter in model.model.parameters()}
    assert model.num_parameters == sum(own.values()) > model.model.get_input_embeddings().weight.numel()


def test_parameters_of_a_packed_model_are_those_before_packing(model_folder, adapters):
    from steerkit_core.components.model_spec import ModelSpec
    from steerkit_core.model.loading import load_pretrained
    from steerkit_core.pipeline.manifest import describe_model

    counts = {}
    for quantization in ("none", "int8", "int4"):
        spec = ModelSpec(id=str(model_folder), device="cpu", quantization=quantization)
        model = load_pretrained(spec, adapters, folder=model_folder)
        counts[quantization] = model.num_parameters
        assert describe_model(model).parameters == model.num_parameters
    assert len(set(counts.values())) == 1, counts
