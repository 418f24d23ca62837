"""Every operation at every hook point, in one mixed batch, against plain hooks on single prompts."""

import pytest
import torch

from steerkit_core import Intervention
from steerkit_core.generation import Row, generate
from steerkit_core.recipe.options import GenerationOptions
from steerkit_sites import OPERATIONS, ResidualAblate, ResidualAdd, ResidualAffine, ResidualReflect

FAMILIES = ("qwen2", "gemma2", "mistral")
BACKENDS = ("hooks", "nnsight")
SITES = tuple(kind for kinds in OPERATIONS for kind in kinds)
GREEDY = GenerationOptions(max_new_tokens=8, batch_size=256)
SPANS = ("all", "prompt", "generated", "last", "suffix", "answer")
HEADS = (1, 3)
STRENGTHS = {"add": 7.0, "clamp": 9.0, "affine": 2.0, "ablate": 0.0, "reflect": 0.0}


def naive(site, way, layer):
    """The edit of one layer, written straight from the table of formulas."""
    prefix, operation = site.name.split("-")
    own = layer if prefix == "head" or getattr(site, "directions", "") == "per-layer" else way.layer
    d = way.directions.units[0, own].double()
    raw = d * float(way.directions.raw_norms[0, own])
    if prefix == "head":
        kept = torch.zeros(32, dtype=torch.float64)
        for head in site.heads:
            kept[8 * head : 8 * head + 8] = 1
        d, raw = d * kept / (d * kept).norm(), raw * kept
    mu = way.classes.negative[:, 0, layer].double().mean(dim=0)
    m = way.multiplier

    def edit(found):
        h = found.double()
        along = (h * d).sum(dim=-1, keepdim=True) * d
        made = {
            "add": h + m * d,
            "ablate": h - along,
            "clamp": h - along + m * d,
            "affine": h - along + (mu @ d) * d + m * raw,
            "reflect": h - 2 * along,
        }[operation]
        if getattr(site, "preserve_norm", False):
            made = made * h.norm(dim=-1, keepdim=True) / made.norm(dim=-1, keepdim=True)
        return made.float()

    return edit


def layers_of(site, way):
    onward = range(way.layer, way.num_layers)
    spans = {"everywhere": range(way.num_layers), "onward": onward, "layer": [way.layer]}
    return spans[getattr(site, "span", "layer")]


def compare(handles, prompts, naive_generate, family, cases):
    """Write every case for every prompt in one batch, in both backends, and hold that against plain hooks.

    `cases` are pairs of a site and its way to steer. Returns the tokens, case by case.
    """
    plain = handles(family)
    rows = [Row(prompt, Intervention()) for prompt in prompts]
    expected = [naive_generate(plain, prompt, "residual", {}) for prompt in prompts]
    for site, way in cases:
        edits = {layer: naive(site, way, layer) for layer in layers_of(site, way)}
        rows += [Row(prompt, site.intervene(way)) for prompt in prompts]
        expected += [naive_generate(plain, p, site.module, edits, site.tokens) for p in prompts]
    for backend in BACKENDS:
        found = dict(generate(handles(family, backend), rows, GREEDY))
        assert [found[index].token_ids for index in range(len(rows))] == expected
    size = len(prompts)
    return [tuple(expected[start : start + size]) for start in range(0, len(expected), size)]


@pytest.mark.parametrize("family", FAMILIES)
def test_five_operations_at_four_hook_points_in_one_batch(
    handles, prompts, steering, naive_generate, family
):
    cases = []
    for kind in SITES:
        site = kind(**({"heads": HEADS} if kind.name.startswith("head") else {}))
        cases.append((site, steering(site.module, multiplier=STRENGTHS[kind.name.split("-")[1]])))
    assert len(cases) == 20
    written = compare(handles, prompts, naive_generate, family, cases)
    # the check means something only where edits change what is written
    changed = [kind.name for kind, found in zip(SITES, written[1:], strict=True) if found != written[0]]
    assert len(changed) >= 12
    assert {"residual-add", "residual-clamp", "residual-affine", "residual-reflect"} <= set(changed)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_token_span_and_the_norm_preserving_form_in_one_batch(
    handles, prompts, steering, naive_generate, family
):
    cases = [(ResidualAdd(tokens=span), steering(multiplier=9.0)) for span in SPANS]
    cases += [(ResidualReflect(tokens=span), steering(layer=2)) for span in SPANS]
    cases += [(ResidualAdd(tokens=span, preserve_norm=True), steering(multiplier=20.0)) for span in SPANS]
    cases += [(ResidualAblate(preserve_norm=True), steering())]
    written = compare(handles, prompts, naive_generate, family, cases)
    # each span writes something of its own, by one of the three edits at least
    by_span = zip(*(written[start : start + 6] for start in (1, 7, 13)), strict=True)
    assert len({(written[0],) * 3, *by_span}) == 1 + len(SPANS)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("span", ["everywhere", "onward", "layer"])
def test_per_layer_directions_are_each_layers_own(handles, prompts, steering, naive_generate, family, span):
    sites = [ResidualAdd(span=span, directions="per-layer"), ResidualAdd(span=span)]
    cases = [(site, steering(multiplier=4.0)) for site in sites]
    cases += [(ResidualAffine(span=span, directions="per-layer"), steering(multiplier=1.0))]
    cases += [(ResidualAblate(span=span, directions="per-layer"), steering())]
    written = compare(handles, prompts, naive_generate, family, cases)
    assert (written[1] == written[2]) is (span == "layer")


@pytest.mark.parametrize("family", FAMILIES)
def test_heads_of_several_layers_are_each_edited_with_their_own_direction(
    handles, prompts, steering, naive_generate, family
):
    cases = []
    for kinds in OPERATIONS:
        multiplier = STRENGTHS[kinds[3].name.split("-")[1]]
        cases += [
            (kinds[3](heads=HEADS, span=span), steering("heads", multiplier=multiplier))
            for span in ("layer", "onward", "everywhere")
        ]
    written = compare(handles, prompts, naive_generate, family, cases)
    by_span = list(zip(*(written[1 + start :: 3] for start in range(3)), strict=True))
    assert any(len(set(found)) == 3 for found in by_span)


@pytest.mark.parametrize("family", FAMILIES)
def test_directions_of_the_input_of_blocks_are_used_there(
    handles, prompts, steering, naive_generate, family
):
    """The output of block l - 1 is the input of block l, so that plain hooks one block earlier do the same."""
    plain = handles(family)
    rows, expected = [], []
    for kinds in OPERATIONS:
        way = steering("input", layer=2, multiplier=STRENGTHS[kinds[0].name.split("-")[1]])
        site = kinds[0](span="onward")
        edits = {layer - 1: naive(site, way, layer) for layer in (2, 3)}
        rows += [Row(prompt, site.intervene(way)) for prompt in prompts]
        expected += [naive_generate(plain, prompt, "residual", edits) for prompt in prompts]
    for backend in BACKENDS:
        found = dict(generate(handles(family, backend), rows, GREEDY))
        assert [found[index].token_ids for index in range(len(rows))] == expected


@pytest.mark.parametrize("family", FAMILIES)
def test_unsteered_rows_keep_every_bit_beside_all_of_them(handles, prompts, steering, family, first_logits):
    handle = handles(family)
    sites = [kind() for kind in SITES] + [
        ResidualAdd(tokens=span, preserve_norm=keep) for span in SPANS for keep in (False, True)
    ]
    ways = [Intervention(), *(site.intervene(steering(site.module)) for site in sites)]
    mixed = first_logits(handle, [(prompts[0], way) for way in ways])
    plain = first_logits(handle, [(prompts[0], Intervention())] * len(ways))
    assert torch.equal(mixed[0], plain[0])
    assert not torch.equal(mixed[1:], plain[1:])
