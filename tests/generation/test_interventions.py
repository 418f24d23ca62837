import pytest
import torch

from steerkit_core.errors import ModelError
from steerkit_core.generation.batch_edits import compile_edits
from steerkit_core.generation.edits import HookPoint, apply_edit, select_rows
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
    got = apply_edit(h, compile_edits(rows, "prompt", **CPU)[HookPoint(5)])
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
    along = apply_edit(h, compile_edits(rows, "prompt", **CPU)[HookPoint(0)]) @ unit
    assert torch.allclose(along[0], torch.zeros(3), atol=1e-6)
    assert torch.allclose(along[1], -(h[1] @ unit), atol=1e-5)


def test_an_unsteered_row_beside_steered_ones_keeps_every_bit(vector):
    rows = [Intervention(), Intervention((Edit(1, add=vector(1), unit=vector(2), gain=1.0),))]
    h = residual(2)
    assert torch.equal(apply_edit(h, compile_edits(rows, "prompt", **CPU)[HookPoint(1)])[0], h[0])


def test_projections_at_right_angles_take_out_all_that_they_span():
    axes = torch.linalg.qr(torch.randn(32, 3, generator=torch.Generator().manual_seed(1)).double())[
        0
    ].T.float()
    rows = [
        Intervention(tuple(Edit(4, unit=axis, gain=1.0) for axis in axes)),
        Intervention(),
        Intervention((Edit(4, unit=axes[1], gain=2.0),)),
    ]
    h = residual(3)
    got = apply_edit(h, compile_edits(rows, "prompt", **CPU)[HookPoint(4)])
    wide = axes.double()
    expected = h[0].double() @ (torch.eye(32, dtype=torch.float64) - wide.T @ wide)
    torch.testing.assert_close(got[0].double(), expected, rtol=0, atol=1e-6)
    assert torch.equal(got[1], h[1])
    # a row with fewer projections than another has every bit that it has alone
    alone = apply_edit(h[2:], compile_edits(rows[2:], "prompt", **CPU)[HookPoint(4)])
    assert torch.equal(got[2], alone[0])


def test_only_layers_that_a_row_edits_are_compiled(vector):
    rows = [Intervention((Edit(7, add=vector(1)),)), Intervention((Edit(2, add=vector(1)),))]
    assert list(compile_edits(rows, "prompt", **CPU)) == [HookPoint(2), HookPoint(7)]
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
    add = compile_edits([twice], "prompt", **CPU)[HookPoint(0)].add
    assert torch.allclose(add[0, 0], vector(1) + vector(2))
    double = Intervention((Edit(0, unit=vector(1), gain=1.0), Edit(0, unit=vector(2), gain=1.0)))
    with pytest.raises(ValueError, match=r"two projections of one row at layer 0 .* not at right angles"):
        compile_edits([double], "prompt", **CPU)


def test_a_vector_of_another_width_is_refused():
    with pytest.raises(ModelError, match=r"shape \(16,\), expected \(32,\), the model's hidden size"):
        compile_edits([Intervention((Edit(3, add=torch.ones(16)),))], "prompt", **CPU)


def test_selected_rows_keep_their_own_edits(vector):
    rows = [Intervention((Edit(0, add=vector(seed)),)) for seed in range(4)]
    kept = select_rows(compile_edits(rows, "prompt", **CPU), torch.tensor([3, 1]))
    assert torch.equal(kept[HookPoint(0)].add[:, 0], torch.stack([vector(3), vector(1)]))


SPANS = {
    "all": ([0, 1, 2, 3, 4], True),
    "prompt": ([0, 1, 2, 3, 4], False),
    "generated": ([], True),
    "last": ([4], False),
    "suffix": ([2, 3, 4], False),
    "answer": ([4], True),
}


def test_a_span_is_a_number_of_the_last_tokens_row_by_row(vector):
    """Prompts are padded on the left, so that their ends stand together."""
    rows = [Intervention((Edit(0, add=vector(1)),), span) for span in SPANS] + [Intervention()]
    h = residual(7, tokens=5)
    compiled = compile_edits(rows, "prompt", **CPU, suffix=lambda: 3)[HookPoint(0)]
    got = apply_edit(h, compiled)
    for row, (edited, _) in enumerate([*SPANS.values(), ([], False)]):
        for token in range(5):
            expected = h[row, token] + vector(1) if token in edited else h[row, token]
            assert torch.equal(got[row, token], expected)
    later = apply_edit(h, compile_edits(rows, "generated", **CPU)[HookPoint(0)])
    for row, (_, edited) in enumerate([*SPANS.values(), ([], False)]):
        assert torch.equal(later[row], h[row] + vector(1) if edited else h[row])


def test_a_suffix_longer_than_a_batch_edits_all_of_it(vector):
    compiled = compile_edits(
        [Intervention((Edit(0, add=vector(1)),), "suffix")], "prompt", **CPU, suffix=lambda: 9
    )
    assert torch.equal(apply_edit(residual(1), compiled[HookPoint(0)]), residual(1) + vector(1))


def test_what_no_row_asks_for_is_not_made(vector):
    plain = [Intervention((Edit(0, add=vector(1), unit=vector(2), gain=1.0),), "all"), Intervention()]
    for phase in ("prompt", "generated"):
        compiled = compile_edits(plain, phase, **CPU)[HookPoint(0)]
        assert (compiled.trailing, compiled.keep) == (None, None)
    # what is generated has no part of a prompt in it, so there is nothing to mask
    answer = [Intervention((Edit(0, add=vector(1)),), "answer")]
    assert compile_edits(answer, "prompt", **CPU)[HookPoint(0)].trailing.flatten().tolist() == [1]
    assert compile_edits(answer, "generated", **CPU)[HookPoint(0)].trailing is None


def test_the_suffix_is_asked_for_only_where_a_span_needs_it(vector):
    def refuse():
        raise AssertionError("nobody needs to know")

    for span in set(SPANS) - {"suffix"}:
        compile_edits([Intervention((Edit(0, add=vector(1)),), span)], "prompt", **CPU, suffix=refuse)
    compile_edits([Intervention((), "suffix")], "prompt", **CPU, suffix=refuse)
    with pytest.raises(ValueError, match="needs to know how long the template's suffix is"):
        compile_edits([Intervention((Edit(0, add=vector(1)),), "suffix")], "prompt", **CPU)


def test_lengths_are_kept_in_the_rows_that_ask(vector):
    add, unit = vector(1) * 30, vector(2)
    rows = [
        Intervention((Edit(0, add=add),)),
        Intervention((Edit(0, add=add, preserve_norm=True),)),
        Intervention((Edit(0, unit=unit, gain=1.0, preserve_norm=True),), "last"),
        Intervention(),
    ]
    h = residual(4)
    got = apply_edit(h, compile_edits(rows, "prompt", **CPU)[HookPoint(0)])
    assert torch.equal(got[0], h[0] + add)
    for token in range(3):
        shifted = (h[1, token] + add).double()
        expected = shifted * h[1, token].double().norm() / shifted.norm()
        torch.testing.assert_close(got[1, token].double(), expected, rtol=1e-5, atol=1e-5)
    assert torch.equal(got[2, :2], h[2, :2])
    rest = (h[2, 2] - (h[2, 2] @ unit) * unit).double()
    expected = rest * h[2, 2].double().norm() / rest.norm()
    torch.testing.assert_close(got[2, 2].double(), expected, rtol=1e-5, atol=1e-5)
    assert torch.equal(got[3], h[3])


def test_a_length_of_zero_stays_zero(vector):
    h = torch.stack([torch.zeros(1, 32), vector(1).unsqueeze(0)])
    rows = [Intervention((Edit(0, add=-vector(1), preserve_norm=True),))] * 2
    got = apply_edit(h, compile_edits(rows, "prompt", **CPU)[HookPoint(0)])
    # nothing has no length to be scaled to, and what was taken away wholly has no direction left
    assert torch.equal(got, torch.zeros(2, 1, 32))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_lengths_are_taken_in_float32(vector, dtype):
    """The square of 300 is beyond what float16 can hold."""
    h = (300 * residual(1)).to(dtype)
    rows = [Intervention((Edit(0, add=900 * vector(1), preserve_norm=True),))]
    got = apply_edit(h, compile_edits(rows, "prompt", **{**CPU, "dtype": dtype})[HookPoint(0)])
    assert got.dtype == dtype
    step = torch.finfo(dtype).eps
    torch.testing.assert_close(
        got.float().norm(dim=-1), h.float().norm(dim=-1), rtol=step, atol=0.0, check_dtype=False
    )
    turned = torch.nn.functional.normalize((h.float() + 900 * vector(1)).double(), dim=-1)
    found = torch.nn.functional.normalize(got.double(), dim=-1)
    assert float((turned * found).sum(dim=-1).min()) > 1 - 10 * step**2


def test_selected_rows_keep_spans_and_lengths(vector):
    rows = [
        Intervention((Edit(0, add=vector(seed), preserve_norm=seed == 2),), "last" if seed == 1 else "all")
        for seed in range(4)
    ]
    kept = select_rows(compile_edits(rows, "prompt", **CPU), torch.tensor([2, 1]))[HookPoint(0)]
    assert kept.keep.flatten().tolist() == [True, False]
    assert kept.trailing[1].item() == 1
    assert kept.trailing[0].item() > 10**6
