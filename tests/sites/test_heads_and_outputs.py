"""The sites inside a block: what they add, where, and how long it is."""

import pytest
import torch
from as_json import as_json

from steerkit_core import DegenerateDirection, Intervention, SteerkitError
from steerkit_core.generation import Row, generate
from steerkit_core.recipe.options import GenerationOptions
from steerkit_core.testing import small_run, tiny_handle
from steerkit_core.values import DirectionSet, Prompt, Steering
from steerkit_sites import AttentionAdd, HeadAdd, MlpAdd, ResidualAdd

RAW = torch.tensor([[[0.0, 3.0, 4.0, 0.0, 0.0, 12.0], [2.0, 0.0, 0.0, 0.0, 0.0, 0.0]]])  # lengths 13 and 2


def steering(module, layer=0, multiplier=2.0):
    directions = DirectionSet.from_raw(RAW, (-1,), (0, 1), module)
    return Steering(directions, layer, -1, multiplier, 2, (10.0, 20.0), num_heads=3)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [0, 6, 8, 0, 0, 24]),
        ({"unit": "residual"}, [0, 60, 80, 0, 0, 240]),
        ({"unit": "raw"}, [0, 78, 104, 0, 0, 312]),
    ],
)
@pytest.mark.parametrize("site", [AttentionAdd, MlpAdd])
def test_outputs_get_the_direction_in_the_unit_that_was_asked_for(site, options, expected):
    built = site(**options)
    intervention = built.intervene(steering(built.module))
    (edit,) = intervention.edits
    assert (edit.layer, edit.module) == (0, built.module)
    torch.testing.assert_close(edit.add, torch.tensor(expected) / 13.0)
    assert intervention.strength == pytest.approx(sum(number**2 for number in expected) ** 0.5 / 13.0)


def test_onward_edits_every_later_layer_too():
    edits = MlpAdd(span="onward").intervene(steering("mlp")).edits
    assert [(edit.layer, edit.module) for edit in edits] == [(0, "mlp"), (1, "mlp")]


@pytest.mark.parametrize(
    ("options", "expected", "strength"),
    [
        # three heads of width two; the direction is (0, 3), (4, 0), (0, 12) of length 13
        ({}, [0, 6 / 13, 8 / 13, 0, 0, 24 / 13], 2.0),
        ({"heads": (2,)}, [0, 0, 0, 0, 0, 2], 2.0),
        ({"heads": (0, 1)}, [0, 6 / 5, 8 / 5, 0, 0, 0], 2.0),
        ({"heads": (0, 1), "unit": "raw"}, [0, 6, 8, 0, 0, 0], 10.0),
        ({"heads": (1,), "unit": "residual"}, [0, 0, 20, 0, 0, 0], 20.0),
    ],
)
def test_heads_get_their_own_part_of_the_direction(options, expected, strength):
    intervention = HeadAdd(**options).intervene(steering("heads"))
    (edit,) = intervention.edits
    assert (edit.layer, edit.module) == (0, "heads")
    torch.testing.assert_close(edit.add, torch.tensor(expected, dtype=torch.float32))
    assert intervention.strength == pytest.approx(strength)


def test_a_head_that_does_not_exist_and_one_without_a_direction_are_refused(says):
    with pytest.raises(SteerkitError) as caught:
        HeadAdd(heads=(0, 3)).intervene(steering("heads"))
    says(caught)
    with pytest.raises(DegenerateDirection) as caught:
        HeadAdd(heads=(1, 2)).intervene(steering("heads", layer=1))
    says(caught)


def test_a_head_is_edited_before_it_is_projected(adapters):
    """Adding v to head 1 adds its columns of the projection, times v, to what the attention gives."""
    handle = tiny_handle("mistral", adapters, layers=2, hidden=32)
    raw = torch.randn(1, 2, 32, generator=torch.Generator().manual_seed(4))
    directions = DirectionSet.from_raw(raw, (-1,), (0, 1), "heads")
    way = Steering(directions, 1, -1, 5.0, 2, (1.0, 1.0), handle.heads.num_heads)
    (edit,) = HeadAdd(heads=(1,)).intervene(way).edits
    projection = handle.blocks[1].self_attn.o_proj
    columns = projection.weight[:, 8:16]  # four heads of width 8
    unit = raw[0, 1, 8:16] / raw[0, 1, 8:16].norm()
    shift = projection(edit.add) - projection(torch.zeros(32))
    torch.testing.assert_close(shift, columns @ (5.0 * unit), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("site", [ResidualAdd, AttentionAdd, MlpAdd, HeadAdd])
@pytest.mark.parametrize("unit", ["absolute", "residual", "raw"])
def test_a_recipe_steers_where_it_reads_and_as_strongly_as_it_says(tmp_path, site, unit):
    module = site().module
    options = {"heads": [1]} if module == "heads" else {"directions": "per-layer", "span": "onward"}
    tables = {
        "extractor": {"use": "dim", "module": module},
        "site": {"use": site.name, "multiplier": 2.0, "unit": unit, **options},
    }
    report = as_json(small_run(tmp_path, site, tables))
    steered = next(cell for cell in report["cells"] if cell["role"] == "steered")
    assert steered["site"] == site.name
    assert steered["options"]["extractor"]["module"] == module
    assert steered["strength"][unit] == pytest.approx(2.0, rel=1e-6)


def test_no_head_named_means_all():
    every = HeadAdd(heads=(0, 1, 2)).intervene(steering("heads")).edits[0].add
    torch.testing.assert_close(HeadAdd().intervene(steering("heads")).edits[0].add, every)


def test_an_unsteered_row_is_not_touched_by_its_neighbours_heads(adapters):
    handle = tiny_handle("qwen2", adapters, layers=2, hidden=32)
    prompt = Prompt("p", "How do I bake bread?")
    raw = torch.randn(1, 2, 32, generator=torch.Generator().manual_seed(4))
    directions = DirectionSet.from_raw(raw, (-1,), (0, 1), "heads")
    way = Steering(directions, 0, -1, 9.0, 2, (1.0, 1.0), handle.heads.num_heads)
    rows = [Row(prompt, Intervention()), Row(prompt, HeadAdd(heads=(2,)).intervene(way))]
    options = GenerationOptions(max_new_tokens=6)
    together = dict(generate(handle, rows, options))
    assert together[0] == dict(generate(handle, rows[:1], options))[0]
    assert together[1] == dict(generate(handle, rows[1:], options))[0]
    assert together[0] != together[1]
