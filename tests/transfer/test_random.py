"""What a transfer efficiency may be read as, by random directions of the same length."""

import numpy as np
import pytest

from steerkit_core.counting.transfer_efficiency import by_chance, random_arms


def cell(k, control=None):
    rate = {"k": k, "n": 30, "rate": k / 30, "low": 0.0, "high": 1.0}
    return {"id": f"{control}-{k}", "control": control, "rates": {"refusal": rate}}


def against(own, control, p_holm):
    gap = (own["rates"]["refusal"]["k"] - control["rates"]["refusal"]["k"]) / 30
    return {
        "cell": own["id"], "reference": control["id"], "difference": {"value": gap}, "p_holm": p_holm,
    }  # fmt: skip


def judged(transferred, own, *controls):
    """Both arms, each with random controls as (k, p of the transferred arm, p of the own one)."""
    arms = {"transferred": cell(transferred), "own": cell(own, None)}
    arms["own"]["id"] = "own"
    made = [(cell(k, f"random-{number}"), ps) for number, (k, *ps) in enumerate(controls)]
    other = cell(30, "flipped")  # of which the efficiency does not speak
    found = [against(arm, one, p) for arm, at in zip(arms.values(), (0, 1), strict=True) for one, ps in made
             for p in ps[at : at + 1]]  # fmt: skip
    found.append(against(arms["own"], other, 1.0))
    cells = {one["id"]: one for one in (*arms.values(), other, *(one for one, _ in made))}
    return random_arms(arms, found, cells)


def test_both_directions_do_more_than_every_random_one():
    found = judged(22, 23, (0, 1e-6, 1e-6), (6, 0.001, 0.0005))
    assert found["reading"] == "both directions do more than random ones of their length"
    assert found["random"]["transferred"] == {
        "directions": 2,
        "strongest": {"k": 6, "n": 30, "rate": 0.2, "low": 0.0, "high": 1.0},
        "p_holm": 0.001,
        "beaten": True,
    }


def test_an_efficiency_over_an_own_rate_that_random_directions_have_too_says_nothing():
    found = judged(5, 1, (0, 0.06, 1.0), (1, 0.3, 1.0))
    assert [found["random"][arm]["beaten"] for arm in ("transferred", "own")] == [False, False]
    assert found["reading"] == (
        "TE says nothing, as the target's own direction, 1/30, cannot be told from a random one of its length"
        " (up to 1/30, p = 1)"
    )


def test_a_transferred_direction_that_is_no_better_than_random_ones_is_told():
    found = judged(0, 29, (3, 0.25, 1e-7))
    assert found["reading"] == (
        "the transferred direction, 0/30, cannot be told from a random one of its length (3/30, p = 0.25)"
    )
    # fewer refusals than a random direction are no success of the transferred one
    assert not judged(0, 29, (12, 0.001, 1e-7))["random"]["transferred"]["beaten"]


def test_without_random_controls_nobody_knows():
    found = judged(22, 23)
    assert found["random"] == {"transferred": None, "own": None}
    assert found["reading"] == "no control says what a random direction of this length does"


@pytest.mark.parametrize("width", [96, 128])
def test_nineteen_of_twenty_random_directions_have_a_cosine_within_the_bound(width):
    drawn = np.random.default_rng(1).normal(size=(40_000, width))
    cosines = np.abs(drawn[:, 0]) / np.linalg.norm(drawn, axis=1)
    assert np.quantile(cosines, 0.95) == pytest.approx(by_chance(width), rel=0.02)
