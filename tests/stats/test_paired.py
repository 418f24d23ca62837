import math
from itertools import product

import pytest

from steerkit_core.stats import PairedCounts, fold, mcnemar, newcombe_paired


def enumerated(first_only, second_only):
    """All ways in which fair coins fall for the discordant prompts, as far from half as those seen."""
    n = first_only + second_only
    far = abs(first_only - second_only)
    falls = [sum(coins) for coins in product((0, 1), repeat=n)]
    return sum(abs(2 * heads - n) >= far for heads in falls) / len(falls)


@pytest.mark.parametrize("discordant", range(9))
def test_mcnemar_is_the_enumeration_of_all_coins(discordant):
    for first_only in range(discordant + 1):
        counts = PairedCounts(3, first_only, discordant - first_only, 2)
        expected = enumerated(first_only, discordant - first_only)
        assert mcnemar(counts) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("counts", [(1, 1, 7, 12), (36, 12, 2, 0), (20, 0, 0, 10), (0, 30, 0, 0)])
def test_mcnemar_is_that_of_statsmodels(counts):
    from statsmodels.stats.contingency_tables import mcnemar as theirs

    both, first_only, second_only, neither = counts
    table = [[both, first_only], [second_only, neither]]
    assert mcnemar(PairedCounts(*counts)) == pytest.approx(theirs(table, exact=True).pvalue)


def test_mcnemar_does_not_depend_on_which_prompts_agree():
    assert mcnemar(PairedCounts(0, 8, 1, 0)) == mcnemar(PairedCounts(50, 8, 1, 40)) == 20 / 512


@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [
        # Newcombe (1998), Statistics in Medicine 17, 2635-2650, method 10
        ((36, 12, 2, 0), 0.0569, 0.3404),
        # Fagerland, Lydersen and Laake (2014), Statistics in Medicine 33, 2850-2875: stem cell transplantation
        ((1, 1, 7, 12), -0.507, -0.026),
        # Altman and others (2000), Statistics with Confidence, 2nd edition, table 6.2
        ((14, 5, 0, 22), 0.011, 0.226),
    ],
)
def test_intervals_are_the_published_ones(counts, low, high):
    found = newcombe_paired(PairedCounts(*counts))
    digits = max(len(str(abs(low))), len(str(abs(high)))) - 2
    assert (round(found.low, digits), round(found.high, digits)) == (low, high)


def naive(a, b, c, d, z=1.959963984540054):
    """Newcombe's method 10 as a textbook prints it, each piece written out."""
    n = a + b + c + d

    def limits(k):
        middle, root = (2 * k + z * z), z * math.sqrt(z * z + 4 * k * (n - k) / n)
        return (middle - root) / (2 * (n + z * z)), (middle + root) / (2 * (n + z * z))

    p, q = (a + b) / n, (a + c) / n
    (l1, u1), (l2, u2) = limits(a + b), limits(a + c)
    margins = (a + b) * (c + d) * (a + c) * (b + d)
    phi = 0.0
    if margins:
        over = a * d - b * c
        over = max(over - n / 2, 0) if over > 0 else over
        phi = over / math.sqrt(margins)
    below = math.sqrt((p - l1) ** 2 - 2 * phi * (p - l1) * (u2 - q) + (u2 - q) ** 2)
    above = math.sqrt((u1 - p) ** 2 - 2 * phi * (u1 - p) * (q - l2) + (q - l2) ** 2)
    return p - q - below, p - q + above


def test_intervals_follow_the_formula_for_every_table_of_eight():
    for a, b, c in product(range(9), repeat=3):
        if a + b + c <= 8:
            counts = (a, b, c, 8 - a - b - c)
            found = newcombe_paired(PairedCounts(*counts))
            low, high = naive(*counts)
            assert found.low == pytest.approx(max(low, -1.0), abs=1e-9)
            assert found.high == pytest.approx(min(high, 1.0), abs=1e-9)
            assert found.low <= found.value <= found.high


def test_exchanging_the_arms_turns_the_interval_round():
    one, other = newcombe_paired(PairedCounts(5, 9, 3, 13)), newcombe_paired(PairedCounts(5, 3, 9, 13))
    assert (one.low, one.high) == (pytest.approx(-other.high), pytest.approx(-other.low))


def test_nothing_is_known_without_prompts():
    found = newcombe_paired(PairedCounts(0, 0, 0, 0))
    assert (found.value, found.low, found.high) == (0.0, -1.0, 1.0)


def test_prompts_are_paired_by_text_and_those_of_one_arm_are_left_out():
    first = {"a": "refusal", "b": "refusal", "c": "normal", "d": "garbled", "only first": "refusal"}
    second = {"d": "normal", "c": "refusal", "b": "garbled", "a": "refusal", "only second": "refusal"}
    counts = PairedCounts.of(first, second, "refusal")
    assert counts == PairedCounts(both=1, first_only=1, second_only=1, neither=1)
    assert (counts.n, counts.first, counts.second) == (4, 2, 2)


def test_repeats_fold_to_the_most_frequent_label_and_then_to_the_first():
    observations = [("a", "x"), ("b", "y"), ("a", "y"), ("a", "y"), ("b", "x"), ("c", "z")]
    assert fold(observations) == {"a": "y", "b": "y", "c": "z"}
    assert list(fold(observations)) == ["a", "b", "c"]
    assert fold([]) == {}


def test_greedy_repeats_change_nothing():
    once = [(str(number), "refusal" if number % 3 else "normal") for number in range(10)]
    assert fold(once * 5) == dict(once)
