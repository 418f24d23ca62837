"""Mixed batches against the slow, obvious way, in float32, token for token."""

import pytest
import torch

from steerkit_core.generation import Row, generate
from steerkit_core.generation.sampling import row_seed, sample
from steerkit_core.recipe.options import GenerationOptions
from steerkit_core.values import Edit, Intervention

FAMILIES = ("qwen2", "qwen3", "gemma2", "gemma3", "mistral", "llama", "phi3")
GREEDY = GenerationOptions(max_new_tokens=12, batch_size=64)


def steering(vector, layers=4):
    """Interventions of every form and, for each, what a plain hook would do at each layer."""
    add, unit = vector(1), vector(2)

    def ablate(h):
        return h - (h @ unit).unsqueeze(-1) * unit

    return {
        "none": (Intervention(), {}, "all"),
        "add onward": (
            Intervention(tuple(Edit(layer, add=4 * add) for layer in range(1, layers))),
            dict.fromkeys(range(1, layers), lambda h: h + 4 * add),
            "all",
        ),
        "add at one layer": (Intervention((Edit(2, add=-9 * add),)), {2: lambda h: h - 9 * add}, "all"),
        "ablate everywhere": (
            Intervention(tuple(Edit(layer, unit=unit, gain=1.0) for layer in range(layers))),
            dict.fromkeys(range(layers), ablate),
            "all",
        ),
        "add to the prompt": (
            Intervention((Edit(0, add=9 * add),), "prompt"),
            {0: lambda h: h + 9 * add},
            "prompt",
        ),
        "add to what is generated": (
            Intervention((Edit(0, add=9 * add),), "generated"),
            {0: lambda h: h + 9 * add},
            "generated",
        ),
    }


def written(handle, rows, options=GREEDY, seed=0):
    found = dict(generate(handle, rows, options, seed))
    assert sorted(found) == list(range(len(rows)))
    return [found[index] for index in range(len(rows))]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_mixed_padded_batch_gives_what_single_prompts_and_plain_hooks_give(
    handles, prompts, vector, naive_generate, family
):
    handle, cases = handles(family), steering(vector)
    rows = [Row(prompt, case[0]) for case in cases.values() for prompt in prompts]
    expected = [
        naive_generate(handle, prompt, edits, GREEDY.max_new_tokens, phase)
        for _, edits, phase in cases.values()
        for prompt in prompts
    ]
    got = [row.token_ids for row in written(handle, rows)]
    assert got == expected
    # the check means something only if the edits change what is written
    by_case = [tuple(got[start : start + len(prompts)]) for start in range(0, len(got), len(prompts))]
    assert len(set(by_case)) == len(cases)


@pytest.mark.parametrize("family", ["qwen2", "gemma2", "mistral"])
def test_order_and_company_do_not_matter(handles, prompts, vector, family):
    handle = handles(family)
    rows = [Row(prompt, case[0]) for case in steering(vector).values() for prompt in prompts]
    whole = written(handle, rows)
    shuffled = torch.randperm(len(rows), generator=torch.Generator().manual_seed(1)).tolist()
    pieces = written(
        handle, [rows[index] for index in shuffled], GenerationOptions(max_new_tokens=12, batch_size=7)
    )
    assert [pieces[shuffled.index(index)] for index in range(len(rows))] == whole


def test_a_row_ends_at_the_end_token_or_at_the_length_and_says_which(handles, prompts, monkeypatch):
    handle = handles("qwen2")
    rows = [Row(prompt, Intervention()) for prompt in prompts]
    monkeypatch.setattr(handle, "eos_ids", frozenset())
    plain = written(handle, rows)
    assert {(row.stop, len(row.token_ids)) for row in plain} == {("length", 12)}
    # whatever the first row says third becomes an end token: it ends there, the others where they say it
    end = plain[0].token_ids[2]
    monkeypatch.setattr(handle, "eos_ids", frozenset({end}))
    for row, before in zip(written(handle, rows), plain, strict=True):
        ids = before.token_ids
        cut = ids.index(end) if end in ids else len(ids)
        assert row.token_ids == ids[:cut]
        assert row.stop == ("eos" if end in ids else "length")


def test_rows_that_overflow_fail_alone_and_say_so(handles, prompts, vector, says):
    handle = handles("qwen2")
    huge = Intervention((Edit(0, add=vector(1) * float("inf")),))
    rows = [Row(prompts[0], Intervention()), Row(prompts[0], huge), Row(prompts[1], Intervention())]
    got = written(handle, rows)
    assert got[1].stop == "failed"
    says(got[1].error)
    alone = written(handle, [rows[0]]) + written(handle, [rows[2]])
    assert [got[0], got[2]] == alone


def test_sampling_depends_on_seed_and_row_alone(handles, prompts):
    handle = handles("mistral")
    rows = [Row(prompt, Intervention(), "cell") for prompt in prompts]
    options = GenerationOptions(max_new_tokens=8, temperature=1.0, batch_size=5)
    one_by_one = GenerationOptions(max_new_tokens=8, temperature=1.0, batch_size=1)
    first = written(handle, rows, options, seed=7)
    assert written(handle, rows, one_by_one, seed=7) == first
    assert written(handle, rows, options, seed=8) != first
    assert row_seed(7, rows[0]) != row_seed(7, Row(prompts[0], Intervention(), "other cell"))


def test_sampling_follows_the_distribution_and_its_nucleus():
    logits = torch.tensor([0.5, 0.3, 0.15, 0.05]).log()
    generator = torch.Generator().manual_seed(0)
    options = GenerationOptions(temperature=1.0)
    drawn = torch.tensor([sample(logits, options, generator) for _ in range(4000)])
    shares = [float((drawn == token).double().mean()) for token in range(4)]
    # four standard errors of a share of 4,000 draws
    assert shares == pytest.approx([0.5, 0.3, 0.15, 0.05], abs=0.032)
    nucleus = GenerationOptions(temperature=1.0, top_p=0.6)
    assert {sample(logits, nucleus, generator) for _ in range(300)} == {0, 1}
    cold = GenerationOptions(temperature=0.01)
    assert {sample(logits, cold, generator) for _ in range(50)} == {0}


def test_hooks_are_taken_away_even_when_generation_breaks_off(handles, prompts, vector, monkeypatch):
    handle = handles("qwen2")
    rows = [Row(prompt, steering(vector)["add onward"][0]) for prompt in prompts]
    before = [list(block._forward_hooks) for block in handle.blocks]
    for _ in generate(handle, rows, GREEDY):
        break
    monkeypatch.setattr(handle.model.lm_head, "forward", _fail)
    with pytest.raises(RuntimeError, match="in the middle"):
        next(generate(handle, rows, GREEDY))
    assert [list(block._forward_hooks) for block in handle.blocks] == before


def _fail(*_arguments, **_keywords):
    raise RuntimeError("in the middle")
