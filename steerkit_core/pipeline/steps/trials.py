"""Trials: steering the selection prompts as a selector wants to see it, judged and counted."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from steerkit_core.counting.counts import clusters_of, count
from steerkit_core.errors import SteerkitError
from steerkit_core.pipeline.steps.cells import GroupCells
from steerkit_core.pipeline.steps.judge import Verdicts
from steerkit_core.pipeline.steps.under_way import UnderWay
from steerkit_core.recipe.recipe import Setting
from steerkit_core.steering.cells import Cell
from steerkit_core.values import Outcome, Prompt, Trial


@frozen(eq=False)
class Trials:
    """Tries out ways to steer for the selectors of a group."""

    cells: GroupCells
    verdicts: Verdicts

    def try_out(
        self, way: UnderWay, trials: Sequence[Trial], prompts: Sequence[Prompt] | None = None
    ) -> list[Outcome]:
        """Steer, judge and count trials on the selection prompts, or on some of them.

        Raises:
            SteerkitError: a prompt is not among the selection prompts, or none was given.
        """
        setting = way.setting
        chosen = setting.selection.prompts if prompts is None else tuple(dict.fromkeys(prompts))
        _check_selection(setting, chosen)
        self.cells.calibrate(way, trials)
        cells = [self.cells.steered(way, setting.selection, trial, tried=True) for trial in trials]
        way.tried.update(dict.fromkeys(cell.id for cell in cells))
        part = "" if prompts is None else f", {len(chosen)} prompts"
        self.cells.rows.complete(cells, f"{setting.selector.name}: {len(cells)} cells{part}", chosen)
        self.verdicts.judge_all(cells, chosen)
        found = [self._outcome(cell, trial, chosen) for cell, trial in zip(cells, trials, strict=True)]
        for outcome in found:
            way.keep(outcome)
        return found

    def _outcome(self, cell: Cell, trial: Trial, prompts: Sequence[Prompt]) -> Outcome:
        judged = self.verdicts.judge(cell, prompts)
        result = count(cell, judged)
        if cell.setting.generation.repeats == 1:
            return Outcome(trial, result.counts, result.failed)
        clusters = {label: tuple(clusters_of(judged, label).values()) for label in result.counts}
        return Outcome(trial, result.counts, result.failed, clusters)


def _check_selection(setting: Setting, prompts: Sequence[Prompt]) -> None:
    """Raise `SteerkitError` where a selector asks for no prompt, or for one that is not its own."""
    where = f"selector {setting.selector.name!r}"
    if not prompts:
        raise SteerkitError(f"{where} asked for no prompt, expected some of {setting.selection.name}")
    for prompt in prompts:
        if prompt not in setting.selection.prompts:
            raise SteerkitError(
                f"{where} asked for prompt {prompt.id!r}, expected one of the selection prompts"
                f" ({setting.selection.name})"
            )
