"""What the paper says of its numbers, put to one test on its own counts and on ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from steerkit_core import SteerkitError
from steerkit_paper.pack import number_claims, rate_claims
from steerkit_paper.pack.arms import Arm, Finding
from steerkit_paper.pack.mapping import Trial

TESTS: dict[str, Callable[[Trial, Mapping[str, Arm]], Finding]] = {
    "higher": rate_claims.higher,
    "same": rate_claims.same,
    "falls": rate_claims.falls,
    "steerable": rate_claims.steerable,
    "identical": rate_claims.identical,
    "deeper": number_claims.deeper,
    "at least": number_claims.at_least,
    "above": number_claims.above,
    "more alike": number_claims.more_alike,
}


def try_claim(claim: Trial, arms: Mapping[str, Arm]) -> Finding:
    """Put a claim to its test; `arms` are those of its cells that have numbers, by their ids."""
    if claim.test not in TESTS:
        raise SteerkitError(f"{claim.id}: no test {claim.test!r} (known: {', '.join(TESTS)})")
    return TESTS[claim.test](claim, arms)
