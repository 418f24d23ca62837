"""What a transfer efficiency may be read as, by random directions of the same length."""

import numpy as np
import pytest
from as_json import as_json
from made_results import cell_result, comparison

from steerkit_core.counting.transfer_efficiency import by_chance, random_arm, reading
from steerkit_core.results.findings import RandomArms


def cell(k, control=None):
    return cell_result(
        id="own" if control == "own" else f"{control}-{k}",
        control=None if control == "own" else control,
        rates={"refusal": {"k": k, "n": 30, "rate": k / 30, "low": 0.0, "high": 1.0}},
    )


def against(own, control, p_holm):
    gap = (own.rates["refusal"].k - control.rates["refusal"].k) / 30
    difference = {"value": gap, "low": -1.0, "high": 1.0}
    return comparison(cell=own.id, reference=control.id, difference=difference, p_holm=p_holm)


def judged(transferred, own, *controls):
    """Both arms, each with random controls as (k, p of the transferred arm, p of the own one)."""
    arms = {"transferred": cell(transferred), "own": cell(own, "own")}
    made = [(cell(k, f"random-{number}"), ps) for number, (k, *ps) in enumerate(controls)]
    other = cell(30, "flipped")  # of which the efficiency does not speak
    found = [against(arm, one, p) for arm, at in zip(arms.values(), (0, 1), strict=True) for one, ps in made
             for p in ps[at : at + 1]]  # fmt: skip
    found.append(against(arms["own"], other, 1.0))
    cells = {one.id: one for one in (*arms.values(), other, *(one for one, _ in made))}
    random = RandomArms(**{name: random_arm(arm, found, cells) for name, arm in arms.items()})
    return random, reading(*arms.values(), random)


def test_both_directions_do_more_than_every_random_one(says):
    found, read = judged(22, 23, (0, 1e-6, 1e-6), (6, 0.001, 0.0005))
    says(read)
    assert as_json(found.transferred) == {
        "directions": 2,
        "strongest": {"k": 6, "n": 30, "rate": 0.2, "low": 0.0, "high": 1.0},
        "p_holm": 0.001,
        "beaten": True,
    }


def test_an_efficiency_over_an_own_rate_that_random_directions_have_too_says_nothing(says):
    found, read = judged(5, 1, (0, 0.06, 1.0), (1, 0.3, 1.0))
    assert [found.transferred.beaten, found.own.beaten] == [False, False]
    says(read)


def test_a_transferred_direction_that_is_no_better_than_random_ones_is_told(says):
    _, read = judged(0, 29, (3, 0.25, 1e-7))
    says(read)
    # fewer refusals than a random direction are no success of the transferred one
    assert not judged(0, 29, (12, 0.001, 1e-7))[0].transferred.beaten


def test_without_random_controls_nobody_knows(says):
    found, read = judged(22, 23)
    assert found == RandomArms(transferred=None, own=None)
    says(read)


@pytest.mark.parametrize("width", [96, 128])
def test_nineteen_of_twenty_random_directions_have_a_cosine_within_the_bound(width):
    drawn = np.random.default_rng(1).normal(size=(40_000, width))
    cosines = np.abs(drawn[:, 0]) / np.linalg.norm(drawn, axis=1)
    assert np.quantile(cosines, 0.95) == pytest.approx(by_chance(width), rel=0.02)
