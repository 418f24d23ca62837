"""Every score of COSMIC against a naive implementation, in float32, to 1e-5."""

import pytest
from naive_cosmic import naive_cosmic

from steerkit_core.components.model_spec import ModelSpec
from steerkit_core.model.load_model import load_model
from steerkit_core.recipe.plan import Group
from steerkit_core.recipe.prompts import contrast_set

EXACT = 1e-5
# enough that nothing is taken by the filter and every number is there
LOOSE = 1e6


def compare(rows, expected):
    assert rows.keys() == expected.keys()
    for place, wanted in expected.items():
        if wanted is None:
            assert rows[place]["excluded"] == "degenerate"
            continue
        for key, number in wanted.items():
            if rows[place][key] is None:
                assert key == "kl"
                assert rows[place]["excluded"] in ("depth", "median") or number is None
            else:
                assert rows[place][key] == pytest.approx(number, abs=EXACT), (place, key)


@pytest.mark.parametrize("form", ["linear", "affine"])
@pytest.mark.parametrize("variant", ["authors", "paper"])
@pytest.mark.parametrize("family", ["qwen2", "gemma2", "mistral"])
def test_every_score_is_that_of_single_prompts(tiny, context, table, family, variant, form):
    given = context(tiny(family))
    rows, chosen = table(given, variant=variant, form=form, kl_threshold=LOOSE)
    expected, _ = naive_cosmic(
        tiny(family), given.directions, given.contrast, given.validation, variant=variant, form=form
    )
    compare(rows, expected)
    left = {place: row["score"] for place, row in rows.items() if not row["excluded"]}
    assert len(set(left.values())) > 1, "every candidate has the same score"
    assert rows[chosen.position, chosen.layer]["score"] == max(left.values())
    assert sum(row["kl"] is not None for row in rows.values()) == len(left)


@pytest.mark.parametrize("family", ["qwen2", "gemma2", "mistral"])
def test_directions_of_block_outputs_are_scored_in_the_same_way(tiny, context, table, family):
    given = context(tiny(family), module="residual", position=(-3,))
    rows, _ = table(given, form="affine", kl_threshold="off")
    expected, _ = naive_cosmic(
        tiny(family),
        given.directions,
        given.contrast,
        given.validation,
        variant="authors",
        form="affine",
        kl=False,
    )
    compare(rows, expected)
    assert len({row["score"] for row in rows.values()}) == len(rows)


@pytest.mark.parametrize(("variant", "form"), [("authors", "linear"), ("paper", "affine")])
@pytest.mark.parametrize("name", ["qwen2-s", "gemma2-s"])
def test_a_bundled_model_gets_the_naive_scores(registry, host, context, table, name, variant, form):
    spec = ModelSpec(id=f"bundled:{name}", device="cpu")
    folder = host.first("steerkit_locate_model", id=spec.id)
    handle = load_model(Group(spec, folder, None, ()), registry)
    contrast = contrast_set("refusal-5", registry.get("prompt set", "refusal-5")().prompts())
    given = context(handle, position=(-4, -1))
    given.contrast = given.validation = type(contrast)("few", contrast.positive[:2], contrast.negative[:2])
    rows, _ = table(given, variant=variant, form=form, kl_threshold=LOOSE)
    some = (0, 3, 5, 9)
    expected, _ = naive_cosmic(
        handle,
        given.directions,
        given.contrast,
        given.validation,
        variant=variant,
        form=form,
        layers=some,
    )
    compare({place: row for place, row in rows.items() if place[1] in some}, expected)
