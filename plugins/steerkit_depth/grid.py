"""What selectors share that try layers with multipliers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from steerkit_core import Outcome, SteerkitError, Trial
from steerkit_depth.given import layer_at

DEPTHS = (0.3, 0.4, 0.5, 0.6, 0.7)
DEPTHS_HELP = "relative depths to try; depth d of L layers is layer int(L * d)"
MULTIPLIERS_HELP = "multipliers to try at every depth; by default the site's own alone"


def grid(
    depths: Sequence[float], multipliers: Sequence[float], num_layers: int, positions: Sequence[int]
) -> tuple[Trial, ...]:
    """Every position with every layer and multiplier; depths that meet in one layer count once."""
    layers = dict.fromkeys(layer_at(depth, num_layers) for depth in depths)
    strengths = dict.fromkeys(multipliers or (None,))
    return tuple(
        Trial(layer, position, multiplier)
        for position in positions
        for layer in layers
        for multiplier in strengths
    )


def merit(outcome: Outcome) -> tuple[float, float, float, int]:
    """What is maximised, the most important first."""
    strength = abs(outcome.trial.multiplier or 0.0)
    return (outcome.rate("refusal"), -outcome.rate("garbled"), -strength, -outcome.trial.layer)


def healthy(selector: str, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The outcomes that say something.

    Raises:
        SteerkitError: in every cell half or more of the completions failed.
    """
    found = [outcome for outcome in outcomes if not outcome.has_failed]
    if found:
        return found
    many = "half or more of the" if any(outcome.judged for outcome in outcomes) else "all"
    raise SteerkitError(
        f"{selector} has nothing to choose from: {many} completions of its {len(outcomes)} cells failed;"
        " see completions.jsonl for the reasons"
    )


def refusals(outcome: Outcome) -> int:
    """How many completions are coherent refusals."""
    return outcome.counts.get("refusal", 0)


def columns(outcome: Outcome) -> Mapping[str, object]:
    """A candidate's row of the table that the run keeps."""
    return {
        "layer": outcome.trial.layer,
        "position": outcome.trial.position,
        "multiplier": outcome.trial.multiplier,
        **outcome.counts,
        "failed": outcome.failed,
    }
