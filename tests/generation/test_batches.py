"""How rows are packed: batch sizes that are found and halved, room in the cache, settled rows."""

import pytest
import torch
from transformers import DynamicCache

from steerkit_core.errors import ModelError
from steerkit_core.generation import Row, batch_size, generate, schedule
from steerkit_core.generation.cache import ROOM, RoomyLayer, roomy_cache
from steerkit_core.recipe.options import GenerationOptions
from steerkit_core.values import Edit, Intervention

AUTO = GenerationOptions(max_new_tokens=6)


def rows_of(prompts, vector, copies=4):
    """Every prompt unsteered and under additions of several strengths."""
    return [
        Row(prompt, Intervention((Edit(1, add=strength * vector(1)),)))
        for strength in range(copies)
        for prompt in prompts
    ]


def written(handle, rows, options=AUTO):
    found = dict(generate(handle, rows, options))
    assert sorted(found) == list(range(len(rows)))
    return [found[index] for index in range(len(rows))]


@pytest.fixture
def small_memory(monkeypatch):
    """`small_memory(handle, rows)`: a device on which no more rows fit; returns the sizes that were tried."""

    def install(handle, most):
        sizes = []
        real = type(handle).next_logits

        def next_logits(self, ids, *rest):
            sizes.append(len(ids))
            if len(ids) > most:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return real(self, ids, *rest)

        monkeypatch.setattr(type(handle), "next_logits", next_logits)
        monkeypatch.setattr(handle, "batch_rows", {})
        return sizes

    return install


def test_a_batch_that_does_not_fit_is_halved_and_no_row_is_lost(
    handles, prompts, vector, small_memory, monkeypatch
):
    handle, rows = handles("qwen2"), rows_of(prompts, vector)
    expected = written(handle, rows, GenerationOptions(max_new_tokens=6, batch_size=1))
    monkeypatch.setattr(schedule, "find_batch_rows", lambda *_: 16)
    sizes = small_memory(handle, 5)
    assert written(handle, rows) == expected
    # 20 rows as 10 and 10: ten do not fit, nor would more than five; all later batches have five
    assert [size for size in sizes if size > 5] == [10]
    assert list(handle.batch_rows.values()) == [5]


def test_memory_that_ends_while_rows_are_being_written_keeps_those_that_have_ended(
    handles, prompts, vector, monkeypatch
):
    handle, rows = handles("qwen2"), rows_of(prompts, vector)
    monkeypatch.setattr(schedule, "find_batch_rows", lambda *_: 20)
    monkeypatch.setattr(handle, "batch_rows", {})
    # some rows end early, the batch breaks at the fifth token
    monkeypatch.setattr(handle, "eos_ids", frozenset())
    ended = written(handle, rows[:1])[0].token_ids[2]
    monkeypatch.setattr(handle, "eos_ids", frozenset({ended}))
    expected = written(handle, rows, GenerationOptions(max_new_tokens=6, batch_size=1))
    real, calls = type(handle).next_logits, []

    def next_logits(self, ids, *rest):
        calls.append(len(ids))
        if len(calls) == 5:
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")
        return real(self, ids, *rest)

    monkeypatch.setattr(type(handle), "next_logits", next_logits)
    seen = list(generate(handle, rows, AUTO))
    assert [dict(seen)[index] for index in range(len(rows))] == expected
    assert len(seen) == len(rows)  # none twice
    assert any(row.stop == "eos" for row in expected)


def test_a_size_that_the_recipe_asks_for_is_not_changed_behind_its_back(
    handles, prompts, vector, small_memory, says
):
    handle = handles("qwen2")
    small_memory(handle, 5)
    with pytest.raises(ModelError) as caught:
        written(handle, rows_of(prompts, vector), GenerationOptions(max_new_tokens=6, batch_size=8))
    says(caught)


def test_one_row_that_does_not_fit_is_the_end(handles, prompts, vector, small_memory, says):
    handle = handles("qwen2")
    small_memory(handle, 0)
    with pytest.raises(ModelError) as told:
        written(handle, rows_of(prompts, vector))
    says(told)


def test_another_error_is_not_taken_for_a_full_memory(handles, prompts, vector, monkeypatch):
    handle = handles("qwen2")
    monkeypatch.setattr(handle, "batch_rows", {64: 8})

    def broken(*_):
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr(type(handle), "next_logits", broken)
    with pytest.raises(RuntimeError, match="shapes do not match"):
        written(handle, rows_of(prompts, vector))


@pytest.mark.parametrize(
    ("seconds", "rows", "found"),
    [
        # per row: halved at every doubling, so that all go together
        (lambda size: 1 / size, 100, 100),
        # a row costs the same from 64 on
        (lambda size: max(1 / size, 1 / 64), 500, 64),
        # however much more there is to gain
        (lambda size: 1 / size, 5000, batch_size.MOST),
        # one size is slow, and the next is not
        (lambda size: 1.0 if size == 64 else 1 / size, 500, 500),
        # larger batches cost more
        (lambda size: size, 500, 16),
        (lambda _size: 1.0, 5, 5),
    ],
)
def test_the_size_is_doubled_while_a_row_gets_cheaper(handles, monkeypatch, seconds, rows, found):
    monkeypatch.setattr(batch_size, "row_seconds", lambda _model, encoded, _new: seconds(len(encoded)))
    assert batch_size.find_batch_rows(handles("qwen2"), [(1, 2, 3)] * rows, 1000) == found


@pytest.mark.parametrize(("rows", "found"), [(100, 64), (600, 256)])
def test_the_search_ends_where_it_would_take_longer_than_it_may(handles, monkeypatch, rows, found):
    monkeypatch.setattr(batch_size, "row_seconds", lambda _model, encoded, _new: 1 / len(encoded))
    # a step takes 1/100 s in a batch of any size, so trying the next takes 2 * 13 steps, 0.26 s; all rows
    # take 100 / 64 = 1.6 s at 64, or 600 / 256 = 2.3 s at 256, of which that is more than a tenth
    assert batch_size.find_batch_rows(handles("qwen2"), [(1, 2, 3)] * rows, 100) == found


def test_a_size_that_does_not_fit_when_it_is_tried_is_not_used(handles, monkeypatch):
    def seconds(_model, encoded, _new):
        if len(encoded) > 50:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return 1 / len(encoded)

    monkeypatch.setattr(batch_size, "row_seconds", seconds)
    assert batch_size.find_batch_rows(handles("qwen2"), [(1, 2, 3)] * 500, 1000) == 32


def test_a_size_is_found_once_for_prompts_of_about_one_length(handles, prompts, vector, monkeypatch):
    handle, asked = handles("mistral"), []
    monkeypatch.setattr(handle, "batch_rows", {})
    monkeypatch.setattr(schedule, "find_batch_rows", lambda *_: asked.append(1) or 4)
    for _ in range(2):
        written(handle, rows_of(prompts[:1], vector, copies=20))
    assert len(asked) == 1
    longer = GenerationOptions(max_new_tokens=6 + schedule.LENGTH_STEP)
    written(handle, rows_of(prompts[:1], vector, copies=20), longer)
    assert len(asked) == 2


def test_few_rows_that_come_first_set_no_limit_for_many_that_follow(handles, prompts, vector, monkeypatch):
    handle, sizes = handles("mistral"), []
    monkeypatch.setattr(handle, "batch_rows", {})
    monkeypatch.setattr(handle, "rows_that_fit", {})
    monkeypatch.setattr(batch_size, "row_seconds", lambda _model, encoded, _new: 1 / len(encoded))
    monkeypatch.setattr(batch_size, "SEARCH_SHARE", float("inf"))
    real = schedule.generate_batch

    def generate_batch(model, rows, *rest):
        sizes.append(len(rows))
        return real(model, rows, *rest)

    monkeypatch.setattr(schedule, "generate_batch", generate_batch)
    for copies in (3, 20, 90, 40):
        written(handle, rows_of(prompts[:1], vector, copies))
    assert sizes == [3, 20, 90, 40]


def test_the_memory_that_rows_are_said_to_need_is_what_their_cache_takes(handles, monkeypatch):
    handle, tokens = handles("qwen2"), 40
    cache = DynamicCache(config=handle.config)
    ids = torch.ones(3, tokens, dtype=torch.long)
    handle.model(input_ids=ids, past_key_values=cache, use_cache=True)
    taken = sum(layer.keys.nbytes + layer.values.nbytes for layer in cache.layers)
    free = (taken + 3 * 8 * handle.config.vocab_size) / batch_size.MEMORY_SHARE
    monkeypatch.setattr(batch_size, "free_memory", lambda _: free + 1)
    assert batch_size.memory_rows(handle, tokens) == 3
    monkeypatch.setattr(batch_size, "free_memory", lambda _: free - 100)
    assert batch_size.memory_rows(handle, tokens) == 2


@pytest.mark.parametrize("family", ["qwen2", "gemma2", "gemma3", "mistral", "phi3"])
def test_a_roomy_cache_holds_what_transformers_own_holds(handles, family):
    """Through prompts, many tokens and a loss of rows, and past the end of its room."""
    handle = handles(family)
    plain, roomy = DynamicCache(config=handle.config), roomy_cache(handle.config)
    generator = torch.Generator().manual_seed(0)
    with torch.inference_mode():
        for step in range(ROOM + 20):
            rows = 4 if step < 30 else 2
            ids = torch.randint(5, 90, (rows, 7 if step == 0 else 1), generator=generator)
            if step == 30:
                for cache in (plain, roomy):
                    cache.batch_select_indices(torch.tensor([2, 0]))
            logits = [
                handle.model(input_ids=ids, past_key_values=cache, use_cache=True).logits
                for cache in (plain, roomy)
            ]
            assert torch.equal(*logits)
    for one, other in zip(plain.layers, roomy.layers, strict=True):
        assert torch.equal(one.keys, other.keys)
        assert torch.equal(one.values, other.values)
    windows = [layer.is_sliding for layer in plain.layers]
    assert [isinstance(layer, RoomyLayer) for layer in roomy.layers] == [not window for window in windows]


def test_a_settled_row_ends_and_says_so_and_the_others_go_on(handles, prompts):
    handle = handles("qwen2")
    options = GenerationOptions(max_new_tokens=30, batch_size=8)
    full = written(handle, [Row(prompt, Intervention()) for prompt in prompts], options)
    rows = [
        Row(prompt, Intervention(), settled=(lambda _text: True) if number == 1 else None)
        for number, prompt in enumerate(prompts)
    ]
    got = written(handle, rows, options)
    assert (got[1].stop, got[1].token_ids) == ("settled", full[1].token_ids[:8])
    assert got[:1] + got[2:] == full[:1] + full[2:]
