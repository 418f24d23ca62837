"""Selector `sweep`: try them all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from attrs import frozen

from steerkit_core import LayerSelector, Selection, SelectionContext, Trial, Within, not_empty, option
from steerkit_depth.grid import (
    DEPTHS,
    DEPTHS_HELP,
    MULTIPLIERS_HELP,
    columns,
    grid,
    healthy,
    merit,
    refusals,
)


@frozen(kw_only=True)
class Sweep(LayerSelector):
    """Try every depth with every multiplier, and take the best coherent refusal rate.

    The rate is measured on the selection prompts. Ties go to fewer garbled completions, then to the smaller
    multiplier, then to the earlier layer: the gentlest intervention that does as well.
    """

    name: ClassVar[str] = "sweep"
    reference: ClassVar[str] = "Mohammad, 2026: its layer profile"
    cost: ClassVar[str] = "a completion for each cell and selection prompt"

    depths: tuple[float, ...] = option(
        DEPTHS, help=DEPTHS_HELP, checks=[not_empty, Within(0, 1, open=True)]
    )
    multipliers: tuple[float, ...] = option((), help=MULTIPLIERS_HELP)

    def trials(self, num_layers: int, positions: Sequence[int]) -> tuple[Trial, ...]:
        """Every position with every layer and multiplier; depths that meet in one layer count once."""
        return grid(self.depths, self.multipliers, num_layers, positions)

    def select(self, context: SelectionContext) -> Selection:
        """The best cell.

        Raises:
            SteerkitError: in every cell half or more of the completions failed.
        """
        outcomes = context.run(self.trials(context.model.num_layers, context.directions.positions))
        best = max(healthy(self.name, outcomes), key=merit)
        among = f"the best of {len(outcomes)} cells" if len(outcomes) > 1 else "the only cell"
        found = f"{refusals(best)}/{best.judged} coherent refusals, {among}"
        table = tuple(columns(outcome) for outcome in outcomes)
        return Selection(best.trial.layer, best.trial.position, best.trial.multiplier, found, table)
