"""Selector `arditi`: its scores against single prompts under plain hooks, its filters and its messages."""

import math
import re
import statistics
from contextlib import ExitStack
from functools import cache

import pytest
import torch
from attrs import define, evolve

from steerkit_arditi import Arditi
from steerkit_core import SteerkitError
from steerkit_core.recipe.prompts import contrast_set
from steerkit_core.testing import KitContrast, tiny_handle
from steerkit_core.values import ContrastSet, DirectionSet
from steerkit_dim import DifferenceInMeans

OPEN = {"kl_threshold": "off", "induce_threshold": "off"}


@define
class Given:
    model: object
    directions: DirectionSet
    contrast: ContrastSet
    validation: ContrastSet
    prompts: tuple = ()

    def run(self, trials):
        raise AssertionError


@pytest.fixture(scope="session")
def tiny(adapters):
    return cache(lambda family: tiny_handle(family, adapters, layers=5, hidden=32, seed=3))


@pytest.fixture(scope="session")
def context(tiny):
    whole = contrast_set(KitContrast.name, KitContrast().prompts())

    @cache
    def make(family):
        handle = tiny(family)
        training = ContrastSet("training", whole.positive[:3], whole.negative[:3])
        found = DifferenceInMeans(position=(-2, -1), module="input").extract(handle, training, range(5))
        held_out = ContrastSet("held-out", whole.positive[3:6], whole.negative[3:6])
        return Given(handle, found, training, held_out)

    return make


def naive_logits(handle, prompt, hooks):
    """`hooks` pairs modules with functions of what they are given ("pre") or give ("post")."""
    with ExitStack() as stack, torch.no_grad():
        for kind, module, edit in hooks:
            if kind == "pre":
                hook = module.register_forward_pre_hook(lambda _m, a, e=edit: (e(a[0]), *a[1:]))
            else:
                hook = module.register_forward_hook(
                    lambda _m, _a, out, e=edit: (e(out[0]), *out[1:]) if isinstance(out, tuple) else e(out)
                )
            stack.callback(hook.remove)
        ids = torch.tensor([handle.encode(prompt)])
        return handle.model(ids, use_cache=False).logits[0, -1].double()


def naive_refusal(logits, tokens):
    p = float(logits.softmax(-1)[list(tokens)].sum())
    return math.log(p) - math.log(1 - p)


def naive_rows(given, tokens):
    handle = given.model
    blocks = handle.model.get_decoder().layers
    rows = {}
    for row, position in enumerate(given.directions.positions):
        for column, layer in enumerate(given.directions.layers):
            length = float(given.directions.raw_norms[row, column])
            if length == 0:
                continue
            d = given.directions.units[row, column]

            def ablate(h, d=d):
                return h - (h @ d)[..., None] * d

            def add(h, d=d, length=length):
                return h + length * d

            everywhere = [("pre", block, ablate) for block in blocks]
            everywhere += [("post", block.self_attn, ablate) for block in blocks]
            everywhere += [("post", block.mlp, ablate) for block in blocks]
            bypass = [
                naive_refusal(naive_logits(handle, p, everywhere), tokens)
                for p in given.validation.positive
            ]
            at_block = [("pre", blocks[layer], add)]
            induce = [
                naive_refusal(naive_logits(handle, p, at_block), tokens) for p in given.validation.negative
            ]
            kls = []
            for prompt in given.validation.negative:
                p, q = (naive_logits(handle, prompt, hooks).softmax(-1) for hooks in ([], everywhere))
                kls.append(float((p * (p / q).log()).sum()))
            rows[position, layer] = tuple(map(statistics.fmean, (bypass, induce, kls)))
    return rows


@pytest.mark.parametrize("family", ["qwen2", "gemma2", "mistral"])
def test_every_score_is_that_of_single_prompts(context, family):
    given = context(family)
    openings = ("I", "As", "Sorry")
    chosen = Arditi(openings=openings, **OPEN).select(given)
    expected = naive_rows(given, given.model.refusal_tokens(openings))
    known = {(row["position"], row["layer"]): row for row in chosen.table}
    assert len(known) == 10
    for place, numbers in expected.items():
        found = tuple(known[place][key] for key in ("bypass", "induce", "kl"))
        assert found == pytest.approx(numbers, abs=1e-5), place
    assert {row["excluded"] for place, row in known.items() if place not in expected} == {"degenerate"}
    left = {place: numbers for place, numbers in expected.items() if place[1] < 4}
    assert (chosen.position, chosen.layer) == min(left, key=lambda place: left[place][0])
    assert len({numbers[0] for numbers in expected.values()}) == len(expected)
    ordered = [row["bypass"] for row in chosen.table if not row["excluded"]]
    assert ordered == sorted(ordered)
    assert not any(row["excluded"] for row in chosen.table[: len(ordered)])


def test_each_filter_takes_what_it_says(context):
    given = context("qwen2")
    rows = Arditi(**OPEN).select(given).table
    live = [row for row in rows if row["excluded"] not in ("degenerate", "depth")]
    assert [row["layer"] for row in rows if row["excluded"] == "depth"] == [4, 4]
    for key, option, beyond in (
        ("kl", "kl_threshold", lambda value, limit: value > limit),
        ("induce", "induce_threshold", lambda value, limit: value < limit),
    ):
        limit = statistics.median(row[key] for row in live)
        chosen = Arditi(**OPEN | {option: limit}).select(given)
        taken = {(row["position"], row["layer"]) for row in live if beyond(row[key], limit)}
        reason = {"kl": "KL", "induce": "induce"}[key]
        assert taken
        assert taken == {
            (row["position"], row["layer"]) for row in chosen.table if row["excluded"] == reason
        }
        assert (chosen.position, chosen.layer) not in taken
        assert f"{len(taken)} by {reason} (" in chosen.reason


def test_the_depth_limit_is_an_option(context):
    chosen = Arditi(depth_limit=0.4, **OPEN).select(context("mistral"))
    assert chosen.layer < 2
    assert {row["layer"] for row in chosen.table if row["excluded"] == "depth"} == {2, 3, 4}


def test_it_says_what_it_did(context):
    given = context("qwen2")
    chosen = Arditi(openings=("Sorry",), **OPEN).select(given)
    row = next(
        row for row in chosen.table if (row["position"], row["layer"]) == (chosen.position, chosen.layer)
    )
    assert chosen.reason == (
        f"bypass {row['bypass']:.4f} (induce {row['induce']:.4f}, KL {row['kl']:.4f}) at position"
        f" {chosen.position}, the lowest of 6 candidates left of 10 (2 as degenerate (length zero or not a"
        " number), 2 by depth (layer 4 and later)); refusals begin with 'S'; scored on held-out"
    )
    same = evolve_context(given, validation=given.contrast)
    assert (
        Arditi(**OPEN)
        .select(same)
        .reason.endswith(
            "scored on the prompts that the directions were found with, so nothing is held out"
        )
    )


def evolve_context(given, **changes):
    return Given(
        **{
            name: changes.get(name, getattr(given, name))
            for name in ("model", "directions", "contrast", "validation")
        }
    )


def message(selector, given):
    with pytest.raises(SteerkitError) as caught:
        selector.select(given)
    return str(caught.value)


def test_where_none_is_left_each_filter_says_how_many_it_took(context, says):
    given = context("qwen2")
    table = [row for row in Arditi(**OPEN).select(given).table if not row["excluded"]]
    least, most = min(row["kl"] for row in table), max(row["induce"] for row in table)
    said, remedy = message(Arditi(kl_threshold=0.0, induce_threshold="off"), given).split("; ")
    says(said)
    passing = float(re.fullmatch(r"set selector.kl_threshold to (\S+) or more, or to 'off'", remedy)[1])
    assert least <= passing <= least + 1e-3
    said, remedy = message(Arditi(kl_threshold="off", induce_threshold=1e6), given).split("; ")
    says(said)
    passing = float(re.fullmatch(r"set selector.induce_threshold to (\S+) or less, or to 'off'", remedy)[1])
    assert most - 1e-3 <= passing <= most


def test_degenerate_directions_alone_are_no_candidates(context, says):
    given = context("qwen2")
    dead = DirectionSet.from_raw(torch.zeros(1, 5, 32), (-1,), tuple(range(5)))
    says(message(Arditi(), evolve_context(given, directions=dead)))
    sick = DirectionSet.from_raw(torch.full((1, 5, 32), torch.nan), (-1,), tuple(range(5)))
    assert "5 as degenerate" in message(Arditi(), evolve_context(given, directions=sick))


def test_a_direction_that_makes_no_numbers_is_dropped(context):
    given = context("qwen2")
    raw = given.directions.raw_norms.clone()
    raw[1, 2] = 1e300  # finite, and infinite once it is a float32
    huge = evolve(given.directions, raw_norms=raw)
    chosen = Arditi(**OPEN).select(evolve_context(given, directions=huge))
    row = next(row for row in chosen.table if (row["position"], row["layer"]) == (-1, 2))
    assert (row["excluded"], row["induce"]) == ("NaN", None)
    assert [one["excluded"] for one in chosen.table].count("NaN") == 1


def test_directions_of_another_width_are_refused(context, says):
    given = context("qwen2")
    heads = DirectionSet.from_raw(torch.ones(1, 5, 64), (-1,), tuple(range(5)), "heads")
    says(message(Arditi(), evolve_context(given, directions=heads)))


def test_directions_of_heads_are_measured_as_what_attention_makes_of_them(context):
    given = context("mistral")
    raw = torch.randn(2, 5, 32, generator=torch.Generator().manual_seed(5)).double()
    heads = DirectionSet.from_raw(raw, (-2, -1), tuple(range(5)), "heads")
    weights = [block.self_attn.o_proj.weight.detach().double() for block in given.model.model.model.layers]
    through = torch.stack([raw[:, layer] @ weights[layer].T for layer in range(5)], dim=1)
    stream = DirectionSet.from_raw(through, (-2, -1), tuple(range(5)), "attention")
    found, expected = (
        Arditi(**OPEN).select(evolve_context(given, directions=one)) for one in (heads, stream)
    )
    assert (found.layer, found.position) == (expected.layer, expected.position)
    for row, other in zip(found.table, expected.table, strict=True):
        assert row == pytest.approx(other, abs=1e-5)


def test_a_model_without_layers_to_choose_from_is_refused(says):
    with pytest.raises(SteerkitError) as caught:
        Arditi().check(1)
    says(caught)
    Arditi().check(2)
