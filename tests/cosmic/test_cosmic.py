"""What COSMIC chooses, what its filters take, what it costs, and what it says to bad input."""

import re
import statistics

import pytest
import torch
from attrs import evolve

from steerkit_contrib_cosmic import Cosmic, scores
from steerkit_contrib_cosmic.candidates import Candidate, excluded_by_place
from steerkit_contrib_cosmic.selector import _remedy
from steerkit_core import SteerkitError
from steerkit_core.model.partial_passes import probing
from steerkit_core.testing import tiny_handle
from steerkit_core.values import ContrastSet, DirectionSet

OFF = {"kl_threshold": "off"}


def message(selector, given):
    with pytest.raises(SteerkitError) as caught:
        selector.select(given)
    return str(caught.value)


def with_directions(given, directions):
    return type(given)(given.model, directions, given.contrast, given.validation)


@pytest.fixture(scope="module")
def given(tiny, context):
    return context(tiny("qwen2"))


class Counter:
    """Tokens that go through each block, padding included, counted by hooks of the test's own."""

    def __init__(self, handle):
        self.handle = handle
        self.tokens = [0] * handle.num_layers

    def __enter__(self):
        def count(layer):
            def hook(_module, arguments, _output):
                self.tokens[layer] += arguments[0].shape[:2].numel()

            return hook

        blocks = enumerate(self.handle.blocks)
        self.hooks = [block.register_forward_hook(count(layer)) for layer, block in blocks]
        return self

    def __exit__(self, *_):
        for hook in self.hooks:
            hook.remove()


def together(handle, prompts):
    """Tokens of prompts that are padded to one length."""
    return len(prompts) * max(len(handle.encode(prompt)) for prompt in prompts)


def alone(handle, prompts):
    """Tokens of prompts that are padded to nothing."""
    return sum(len(handle.encode(prompt)) for prompt in prompts)


@pytest.mark.parametrize("family", ["qwen2", "gemma2", "mistral"])
@pytest.mark.parametrize("form", ["linear", "affine"])
def test_no_more_blocks_are_evaluated_than_the_method_needs(tiny, context, family, form, monkeypatch):
    monkeypatch.setattr(probing, "SMALL", 10**6)  # no saving is too small
    handle = tiny(family)
    given = context(handle)
    selector = Cosmic(form=form, **OFF)
    (top,) = selector._low(handle, given.contrast)
    chosen = selector.select(given)
    live = [row for row in chosen.table if row["excluded"] != "degenerate"]
    harmful, harmless = given.validation.positive, given.validation.negative
    probed = len(live) * alone(handle, harmful) * (top + 1)
    probed += sum(alone(handle, harmless) * max(0, top + 1 - row["layer"]) for row in live)
    # plain: L_low from the contrast set, the affine form's means, and both classes as they are
    plain = together(handle, (*given.contrast.positive, *given.contrast.negative)) * handle.num_layers
    plain += (together(handle, harmful) + together(handle, harmless)) * (top + 1)
    if form == "affine":
        plain += together(handle, given.contrast.negative) * handle.num_layers
    with Counter(handle) as counter:
        selector.select(given)
    # all prompts begin with the template's first tokens, which need no pass of their own
    assert plain < sum(counter.tokens) < plain + probed
    assert len(live) == 8


def test_the_kl_filter_costs_one_whole_pass_more_for_each_that_is_left(given, monkeypatch):
    monkeypatch.setattr(probing, "SMALL", 10**6)
    handle, harmless = given.model, given.validation.negative
    with Counter(handle) as without:
        rows = Cosmic(**OFF).select(given).table
    with Counter(handle) as counter:
        Cosmic(kl_threshold=1e6).select(given)
    left = sum(not row["excluded"] for row in rows)
    more = sum(counter.tokens) - sum(without.tokens)
    columns = zip(*(handle.encode(prompt) for prompt in harmless), strict=False)
    prefix = next(at for at, column in enumerate(columns) if len(set(column)) > 1)
    each = alone(handle, harmless) - prefix * (len(harmless) - 1)
    assert more == handle.num_layers * (together(handle, harmless) + left * each)


def test_the_kl_filter_takes_what_lies_above_it(given):
    rows = Cosmic(kl_threshold=1e6).select(given).table
    known = {row["kl"] for row in rows if row["kl"] is not None}
    limit = statistics.median_low(known)
    chosen = Cosmic(kl_threshold=limit).select(given)
    taken = [row for row in chosen.table if row["excluded"] == "KL"]
    assert {row["kl"] for row in taken} == {number for number in known if number > limit} != set()
    assert f"{len(taken)} by KL (above {limit:g})" in chosen.reason


def test_the_threshold_is_the_variants_unless_it_is_given():
    assert Cosmic()._threshold == 0.1
    assert Cosmic(variant="paper")._threshold is None
    assert Cosmic(variant="paper", kl_threshold=0.2)._threshold == 0.2
    assert Cosmic(kl_threshold="off")._threshold is None


def test_the_depth_limit_takes_the_last_layers(given):
    for limit, layers in ((0.8, {4}), (0.5, {2, 3, 4})):
        table = Cosmic(depth_limit=limit, **OFF).select(given).table
        assert {row["layer"] for row in table if row["excluded"] == "depth"} == layers
        # they are scored all the same, as the medians ask for them
        assert all(row["score"] is not None for row in table if row["excluded"] == "depth")


def test_the_paper_begins_at_layer_1(tiny, context):
    given = context(tiny("mistral"), module="residual")
    table = Cosmic(variant="paper").select(given).table
    assert {row["layer"] for row in table if row["excluded"] == "depth"} == {0, 4}
    table = Cosmic(**OFF).select(given).table
    assert {row["layer"] for row in table if row["excluded"] == "depth"} == {4}


def test_the_paper_scores_the_prompts_of_the_extraction(given):
    chosen = Cosmic(variant="paper").select(given)
    same = type(given)(given.model, given.directions, given.contrast, given.contrast)
    assert Cosmic(variant="paper").select(same) == chosen
    assert Cosmic(**OFF).select(same) != Cosmic(**OFF).select(given)


def test_a_share_of_the_layers_is_compared(given):
    few, many = (Cosmic(low_share=share)._low(given.model, given.contrast) for share in (0.0, 0.6))
    assert (len(few), len(many)) == (1, 3)
    assert set(few) < set(many)
    words = ", ".join(map(str, many))
    assert f"; compared in layers {words};" in Cosmic(low_share=0.6, **OFF).select(given).reason


def test_ablating_at_one_layer_begins_there(given, table):
    with Counter(given.model) as everywhere:
        one, _ = table(given, form="affine", **OFF)
    with Counter(given.model) as layer:
        other, _ = table(given, form="affine", ablation="layer", **OFF)
    assert layer.tokens[0] < everywhere.tokens[0]
    for place, row in one.items():
        changed = other[place]
        if row["excluded"] != "degenerate":
            assert row["s_refuse"] == pytest.approx(changed["s_refuse"])
            assert row["s_comply"] != pytest.approx(changed["s_comply"], abs=1e-6)


def test_layers_of_low_similarity():
    positive, negative = torch.randn(2, 6, 8, 16, generator=torch.Generator().manual_seed(0)).double()
    negative += torch.arange(8).view(1, 8, 1) * positive.mean(dim=0)
    means = scores.cosines_of_means(positive.mean(dim=0), negative.mean(dim=0))
    expected = torch.cosine_similarity(positive.mean(dim=0), negative.mean(dim=0), dim=-1)
    torch.testing.assert_close(means, expected)
    pairs = torch.stack([torch.cosine_similarity(p, n, dim=-1) for p in positive for n in negative])
    torch.testing.assert_close(scores.mean_of_cosines(positive, negative), pairs.mean(dim=0))
    assert scores.lowest(torch.tensor([0.3, 0.1, 0.9, 0.1, 0.2]), 3) == (1, 3, 4)


def made_up(position, layer, s_refuse, s_comply):
    unit = torch.ones(1)
    return Candidate(position, layer, unit, unit, None, "", s_refuse, s_comply)


def test_the_last_token_loses_layers_beyond_both_medians():
    best = {-3: (1, 2), -2: (3, 4)}  # by S_refuse and by S_comply; the lower medians are 1 and 2
    found = [
        made_up(position, layer, float(layer == refuse), float(layer == comply))
        for position, (refuse, comply) in best.items()
        for layer in range(6)
    ]
    found += [made_up(-1, layer, 0.5, 0.5) for layer in range(6)]
    excluded = {(one.position, one.layer): one.excluded for one in excluded_by_place(found, range(5))}
    assert {layer for layer in range(6) if excluded[-1, layer] == "median"} == {3, 4}
    assert {place for place, reason in excluded.items() if reason == "depth"} == {(-3, 5), (-2, 5), (-1, 5)}
    assert all(not reason for place, reason in excluded.items() if place[0] < -1 and place[1] < 5)
    # alone it has no others to be held against
    assert {one.excluded for one in excluded_by_place(found[-6:], range(6))} == {""}


def test_ties_go_to_the_later_token_and_the_earlier_layer(tiny, context):
    given = context(tiny("qwen2"))
    same = given.directions.units[:1, 2:3].expand(2, 5, -1).clone()
    # above the layers that are compared an addition is never seen, and what is ablated is the same
    directions = evolve(given.directions, units=same, raw_norms=torch.ones(2, 5, dtype=torch.float64))
    chosen = Cosmic(**OFF).select(with_directions(given, directions))
    best = max(row["score"] for row in chosen.table if not row["excluded"])
    ties = [
        (row["position"], -row["layer"])
        for row in chosen.table
        if not row["excluded"] and row["score"] == best
    ]
    assert len(ties) > 1
    assert (chosen.position, -chosen.layer) == max(ties)


def test_the_table_begins_with_the_best_and_ends_with_those_left_out(given):
    chosen = Cosmic(**OFF).select(given)
    reasons = [bool(row["excluded"]) for row in chosen.table]
    assert reasons == sorted(reasons)
    left = [row for row in chosen.table if not row["excluded"]]
    assert [row["score"] for row in left] == sorted((row["score"] for row in left), reverse=True)
    assert (left[0]["position"], left[0]["layer"]) == (chosen.position, chosen.layer)


def test_it_says_what_it_did(given):
    chosen = Cosmic(**OFF).select(given)
    row = next(r for r in chosen.table if (r["position"], r["layer"]) == (chosen.position, chosen.layer))
    counts = [sum(r["excluded"] == reason for r in chosen.table) for reason in ("depth", "median", "")]
    medians = f", {counts[1]} by the medians of the other positions' best layers" if counts[1] else ""
    (low,) = Cosmic()._low(given.model, given.contrast)
    assert chosen.reason == (
        f"score {row['score']:.4f} (refuse {row['s_refuse']:.4f}, comply {row['s_comply']:.4f}) at position"
        f" {chosen.position}, the best of {counts[2]} candidates left of 10 (2 as degenerate (length zero or"
        f" not a number), {counts[0]} by depth (outside of layers 0 to 3){medians}); compared in layer {low};"
        " scored on held-out; positions -2, -1, where the method has the template's suffix of"
        f" {given.model.suffix_length}"
    )
    same = type(given)(given.model, given.directions, given.contrast, given.contrast)
    assert "nothing is held out" in Cosmic(**OFF).select(same).reason
    assert (
        Cosmic(variant="paper")
        .select(given)
        .reason.endswith(
            "; scored on the prompts that the directions were found with, as the variant has it; positions -2, -1,"
            " where the method has the last five"
        )
    )


def test_its_own_positions_need_no_words(tiny, context):
    suffix = context(tiny("gemma2"), position="suffix")
    assert Cosmic(**OFF).select(suffix).reason.endswith("; scored on held-out")
    five = context(tiny("gemma2"), position=(-1, -2, -3, -4, -5))
    assert Cosmic(variant="paper").select(five).reason.endswith(", as the variant has it")


def test_where_none_is_left_each_filter_says_how_many_it_took(given):
    table = Cosmic(kl_threshold="off").select(given).table
    counts = {reason: sum(row["excluded"] == reason for row in table) for reason in ("depth", "median", "")}
    medians = f" {counts['median']} by the medians of the other positions' best layers," * bool(
        counts["median"]
    )
    given_kl = [row["kl"] for row in Cosmic(kl_threshold=1e6).select(given).table if row["kl"] is not None]
    said = message(Cosmic(kl_threshold=0.0), given)
    told, remedy = said.split("; ")
    assert told == (
        "selector 'cosmic' has no candidate left of 10: the filters took 2 as degenerate (length zero or not a"
        f" number), {counts['depth']} by depth (outside of layers 0 to 3),{medians} {counts['']} by KL"
        " (above 0)"
    )
    passing = float(re.fullmatch(r"set selector.kl_threshold to (\S+) or more, or to 'off'", remedy)[1])
    assert min(given_kl) <= passing <= min(given_kl) + 1e-3
    assert Cosmic(kl_threshold=passing).select(given).table[0]["kl"] == min(given_kl)


@pytest.mark.parametrize(
    ("reason", "remedy"),
    [
        ("median", "set further positions in extractor.position"),
        ("depth", "set a higher selector.depth_limit"),
        ("NaN", "set a wider model.dtype"),
    ],
)
def test_the_remedy_is_that_of_the_last_filter(reason, remedy):
    taken = [evolve(made_up(-1, layer, 0.5, 0.5), excluded=reason) for layer in (1, 2)]
    dead = evolve(made_up(-1, 0, None, None), excluded="degenerate")
    assert _remedy([dead, *taken]) == remedy


def test_degenerate_directions_alone_are_no_candidates(given, says):
    for raw in (torch.zeros(1, 5, 32), torch.full((1, 5, 32), torch.nan)):
        dead = DirectionSet.from_raw(raw, (-1,), tuple(range(5)))
        says(message(Cosmic(), with_directions(given, dead)))


def test_one_degenerate_direction_does_not_cost_the_others(given):
    raw, units = given.directions.raw_norms.clone(), given.directions.units.clone()
    raw[0, 1], units[1, 3] = torch.inf, torch.nan
    chosen = Cosmic(**OFF).select(
        with_directions(given, evolve(given.directions, raw_norms=raw, units=units))
    )
    reasons = {(row["position"], row["layer"]): row["excluded"] for row in chosen.table}
    assert reasons[-2, 1] == reasons[-1, 3] == "degenerate"
    assert (chosen.position, chosen.layer) in reasons


def test_a_score_that_is_no_number_is_null_and_dropped(given):
    raw = given.directions.raw_norms.clone()
    raw[1, 1] = 1e300  # finite, and infinite once it is a float32
    chosen = Cosmic(**OFF).select(with_directions(given, evolve(given.directions, raw_norms=raw)))
    row = next(row for row in chosen.table if (row["position"], row["layer"]) == (-1, 1))
    top = Cosmic()._low(given.model, given.contrast)[0]
    assert top >= 1
    assert (row["excluded"], row["s_refuse"], row["score"]) == ("NaN", None, None)


def test_directions_of_heads_are_scored_as_what_attention_makes_of_them(given):
    many = len(given.model.blocks)
    raw = torch.randn(2, many, 32, generator=torch.Generator().manual_seed(5)).double()
    weights = [block.self_attn.o_proj.weight.detach().double() for block in given.model.blocks]
    through = torch.stack([raw[:, layer] @ weights[layer].T for layer in range(many)], dim=1)
    found, expected = (
        Cosmic(**OFF).select(
            with_directions(given, DirectionSet.from_raw(one, (-2, -1), range(many), module))
        )
        for one, module in ((raw, "heads"), (through, "attention"))
    )
    assert (found.layer, found.position) == (expected.layer, expected.position)
    for row, other in zip(found.table, expected.table, strict=True):
        assert row == pytest.approx(other, abs=1e-5)


def test_one_prompt_of_a_class_is_too_few(given):
    few = ContrastSet("few", given.contrast.positive, given.contrast.negative[:1])
    expected = (
        "selector 'cosmic' compares means of prompts, and needs 2 of each class at least: few has 3 positive"
        " and 1 negative: add prompts"
    )
    assert message(Cosmic(), type(given)(given.model, given.directions, few, given.validation)) == expected
    assert message(Cosmic(), type(given)(given.model, given.directions, given.contrast, few)) == expected


@pytest.mark.parametrize(
    ("options", "num_layers", "expected"),
    [
        ({}, 1, "the first int(0.8 x 1) = 0 layers, of which there are none"),
        (
            {"variant": "paper"},
            2,
            "the first int(0.8 x 2) = 1 layers from layer 1 on, of which there are none",
        ),
        ({"depth_limit": 0.1}, 9, "the first int(0.1 x 9) = 0 layers, of which there are none"),
    ],
)
def test_a_model_without_layers_to_choose_from_is_refused(options, num_layers, expected):
    with pytest.raises(SteerkitError) as caught:
        Cosmic(**options).check(num_layers)
    assert str(caught.value) == (
        f"selector 'cosmic' chooses among {expected}: choose a model of more layers or a higher"
        " selector.depth_limit"
    )
    Cosmic(**options).check(num_layers + 1)


def test_two_layers_are_enough(adapters, context):
    given = context(tiny_handle("mistral", adapters, layers=2), module="residual")
    chosen = Cosmic(**OFF).select(given)
    assert chosen.layer == 0
    assert [row["excluded"] for row in chosen.table] == ["", "", "depth", "depth"]
