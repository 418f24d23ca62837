"""Selector `sweep`: try them all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from attrs import frozen

from steerkit_core import (
    LayerSelector,
    Outcome,
    Selection,
    SelectionContext,
    SteerkitError,
    Trial,
    Within,
    not_empty,
    option,
)
from steerkit_depth.given import layer_at


@frozen(kw_only=True)
class Sweep(LayerSelector):
    """Try every depth with every multiplier, and take the best coherent refusal rate.

    The rate is measured on the selection prompts. Ties go to fewer garbled completions, then to the smaller
    multiplier, then to the earlier layer: the gentlest intervention that does as well.
    """

    name: ClassVar[str] = "sweep"
    reference: ClassVar[str] = "the paper's layer profile"
    cost: ClassVar[str] = "a completion for each cell and selection prompt"

    depths: tuple[float, ...] = option(
        (0.3, 0.4, 0.5, 0.6, 0.7),
        help="relative depths to try; depth d of L layers is layer int(L * d)",
        checks=[not_empty, Within(0, 1, open=True)],
    )
    multipliers: tuple[float, ...] = option(
        (), help="multipliers to try at every depth; by default the site's own alone"
    )

    def trials(self, num_layers: int, positions: Sequence[int]) -> tuple[Trial, ...]:
        """Every position with every layer and multiplier; depths that meet in one layer count once."""
        layers = dict.fromkeys(layer_at(depth, num_layers) for depth in self.depths)
        multipliers = dict.fromkeys(self.multipliers or (None,))
        return tuple(
            Trial(layer, position, multiplier)
            for position in positions
            for layer in layers
            for multiplier in multipliers
        )

    def select(self, context: SelectionContext) -> Selection:
        """The best cell.

        Raises:
            SteerkitError: in every cell half or more of the completions failed.
        """
        trials = self.trials(context.model.num_layers, context.directions.positions)
        outcomes = context.run(trials)
        healthy = [outcome for outcome in outcomes if not outcome.sick]
        if not healthy:
            many = "half or more of the" if any(outcome.judged for outcome in outcomes) else "all"
            raise SteerkitError(
                f"sweep has nothing to choose from: {many} completions of its {len(trials)} cells failed;"
                " see completions.jsonl for the reasons"
            )
        best = max(healthy, key=merit)
        table = tuple(
            {
                "layer": outcome.trial.layer,
                "position": outcome.trial.position,
                "multiplier": outcome.trial.multiplier,
                **outcome.counts,
                "failed": outcome.failed,
            }
            for outcome in outcomes
        )
        refusals = f"{best.counts.get('refusal', 0)}/{best.judged} coherent refusals"
        reason = f"{refusals}, the best of {len(trials)} cells"
        return Selection(best.trial.layer, best.trial.position, best.trial.multiplier, reason, table)


def merit(outcome: Outcome) -> tuple[float, float, float, int]:
    """What the sweep maximises, the most important first."""
    strength = abs(outcome.trial.multiplier or 0.0)
    return (outcome.rate("refusal"), -outcome.rate("garbled"), -strength, -outcome.trial.layer)
