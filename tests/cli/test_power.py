import json
from functools import partial

import pytest


@pytest.fixture
def power(give):
    return partial(give, "power")


def test_it_says_how_many_prompts_are_needed(power):
    assert power("--rates", "0.77", "0.57") == (
        0,
        (
            "94 prompts for each of the two, to tell 0.77 from 0.57 with a power of 0.8"
            " (Fisher's exact test, two-sided, 0.05)\n\n"
            "prompts  power\n     10   0.06\n     30   0.28\n     50   0.49\n     94   0.80\n    100   0.82\n"
        ),
        "",
    )


def test_on_the_same_prompts_it_depends_on_how_often_they_disagree(power, says):
    code, out, _ = power("--rates", "0.77", "0.57", "--paired", "--discordant", "0.3")
    assert code == 0
    says("\n".join(out.splitlines()[:2]))


def test_many_prompts_are_said_to_be_approximate(power):
    _, out, _ = power("--rates", "0.5", "0.49")
    assert out.startswith("about 39440 prompts for each of the two")
    assert "this many prompts: computed with the normal approximation\n" in out


def test_a_program_reads_all_of_it(power):
    from steerkit_core.stats.power import Paired

    code, out, _ = power(
        "--rates", ".9", ".6", "--paired", "--correlation", "0.2", "--alpha", ".01", "--json"
    )
    found = json.loads(out)
    design = Paired.correlated(0.9, 0.6, 0.2, alpha=0.01)
    assert code == 0
    assert {key: found[key] for key in ("rates", "alpha", "power", "paired", "test", "exact")} == {
        "rates": [0.9, 0.6],
        "alpha": 0.01,
        "power": 0.8,
        "paired": True,
        "test": "mcnemar",
        "exact": True,
    }
    assert found["discordant"] == design.discordant
    assert set(found["power_at"]) == {"10", "30", "50", "100", str(found["prompts"])}
    assert found["power_at"]["30"] == design.power(30)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (
            ["--rates", "1.2", "0.5"],
            "Error: Invalid value for '--rates': 1.2 is not in the range 0.0<=x<=1.0.",
        ),
        (
            ["--rates", "77", "57"],
            "Error: Invalid value for '--rates': 77.0 is not in the range 0.0<=x<=1.0.",
        ),
        ([], "Error: Missing option '--rates'."),
        (["--rates", "0.5"], "Error: Option '--rates' requires 2 arguments."),
        (
            ["--rates", "0.5", "0.4", "--power", "1"],
            "Error: Invalid value for '--power': 1.0 is not in the range 0.0<x<1.0.",
        ),
        (
            ["--rates", "nan", "0.5"],
            "error: rates: expected numbers from 0 to 1, got nan",
        ),
        (
            ["--rates", "0.5", "0.4", "--alpha", "nan"],
            "error: alpha: expected a number between 0 and 1, got nan",
        ),
        (
            ["--rates", "0.5", "0.4", "--paired", "--alpha", "nan"],
            "error: alpha: expected a number between 0 and 1, got nan",
        ),
        (
            ["--rates", "0.5", "0.4", "--power", "nan"],
            "error: power: expected a number between 0 and 1, got nan",
        ),
        (
            ["--rates", "0.5", "0.4", "--discordant", "0.2"],
            "Error: --discordant says how paired rates differ: give --paired as well",
        ),
        (
            ["--rates", "0.5", "0.4", "--correlation", "0"],
            "Error: --correlation says how paired rates differ: give --paired as well",
        ),
        (
            ["--rates", "0.5", "0.4", "--paired", "--discordant", "0.2", "--correlation", "0"],
            "Error: give --discordant or --correlation, not both",
        ),
        (
            ["--rates", "0.5", "0.5"],
            "error: rates: both are 0.5, and no number of prompts tells equal rates apart",
        ),
        (
            ["--rates", "0.77", "0.57", "--paired", "--discordant", "0.1"],
            "error: discordant share: rates of 0.77 and 0.57 leave 0.2 to 0.66, got 0.1",
        ),
        (
            ["--rates", "0.77", "0.57", "--paired", "--correlation", "0.9"],
            "error: correlation: rates of 0.77 and 0.57 leave -0.475 to 0.629, got 0.9",
        ),
    ],
)
def test_bad_input_is_one_message_and_exit_2(arguments, complaint, power):
    code, out, err = power(*arguments)
    assert (code, out) == (2, "")
    assert err.splitlines()[-1] == complaint
