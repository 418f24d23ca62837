import pytest
import torch

from steerkit_core.errors import ModelError
from steerkit_core.interventions import Place, apply_edit, compile_edits, select_rows
from steerkit_core.values import Edit, Intervention

CPU = {"width": lambda _module: 32, "dtype": torch.float32, "device": torch.device("cpu")}


def residual(rows, tokens=3):
    return torch.randn(rows, tokens, 32, generator=torch.Generator().manual_seed(9))


def test_each_row_is_edited_by_its_own_formula_token_by_token(vector):
    add, unit = vector(1) * 3, vector(2)
    rows = [
        Intervention(),
        Intervention((Edit(5, add=add),)),
        Intervention((Edit(5, unit=unit, gain=1.0),)),
        Intervention((Edit(5, add=add, unit=unit, gain=2.0),)),
    ]
    h = residual(4)
    got = apply_edit(h, compile_edits(rows, "prompt", **CPU)[Place(5)])
    for row, token in ((row, token) for row in range(4) for token in range(3)):
        x = h[row, token]
        along = sum(float(a) * float(b) for a, b in zip(x, unit, strict=True))
        expected = {
            0: x,
            1: x + add,
            2: x - along * unit,
            3: x + add - 2 * along * unit,
        }[row]
        assert torch.allclose(got[row, token], expected, atol=1e-5)


def test_ablation_leaves_nothing_along_the_direction_and_reflection_turns_it_round(vector):
    unit = vector(4)
    rows = [Intervention((Edit(0, unit=unit, gain=gain),)) for gain in (1.0, 2.0)]
    h = residual(2)
    along = apply_edit(h, compile_edits(rows, "prompt", **CPU)[Place(0)]) @ unit
    assert torch.allclose(along[0], torch.zeros(3), atol=1e-6)
    assert torch.allclose(along[1], -(h[1] @ unit), atol=1e-5)


def test_an_unsteered_row_beside_steered_ones_keeps_every_bit(vector):
    rows = [Intervention(), Intervention((Edit(1, add=vector(1), unit=vector(2), gain=1.0),))]
    h = residual(2)
    assert torch.equal(apply_edit(h, compile_edits(rows, "prompt", **CPU)[Place(1)])[0], h[0])


def test_only_layers_that_a_row_edits_are_compiled(vector):
    rows = [Intervention((Edit(7, add=vector(1)),)), Intervention((Edit(2, add=vector(1)),))]
    assert list(compile_edits(rows, "prompt", **CPU)) == [Place(2), Place(7)]
    assert compile_edits([Intervention()], "prompt", **CPU) == {}


@pytest.mark.parametrize(
    ("tokens", "prompt", "generated"),
    [("all", True, True), ("prompt", True, False), ("generated", False, True)],
)
def test_a_token_span_is_edited_in_its_phase_only(vector, tokens, prompt, generated):
    rows = [Intervention((Edit(0, add=vector(1)),), tokens)]
    assert bool(compile_edits(rows, "prompt", **CPU)) is prompt
    assert bool(compile_edits(rows, "generated", **CPU)) is generated


def test_two_additions_at_one_layer_add_up_and_two_projections_are_refused(vector):
    twice = Intervention((Edit(0, add=vector(1)), Edit(0, add=vector(2))))
    add = compile_edits([twice], "prompt", **CPU)[Place(0)].add
    assert torch.allclose(add[0, 0], vector(1) + vector(2))
    double = Intervention((Edit(0, unit=vector(1), gain=1.0), Edit(0, unit=vector(2), gain=1.0)))
    with pytest.raises(ValueError, match="two projections of one row at layer 0"):
        compile_edits([double], "prompt", **CPU)


def test_a_vector_of_another_width_is_refused():
    with pytest.raises(ModelError, match=r"shape \(16,\), expected \(32,\), the model's hidden size"):
        compile_edits([Intervention((Edit(3, add=torch.ones(16)),))], "prompt", **CPU)


def test_selected_rows_keep_their_own_edits(vector):
    rows = [Intervention((Edit(0, add=vector(seed)),)) for seed in range(4)]
    kept = select_rows(compile_edits(rows, "prompt", **CPU), torch.tensor([3, 1]))
    assert torch.equal(kept[Place(0)].add[:, 0], torch.stack([vector(3), vector(1)]))
