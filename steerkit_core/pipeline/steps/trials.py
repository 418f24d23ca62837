"""Trials: steering the selection prompts as a selector wants to see it, judged and counted."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define, field

from steerkit_core.counting.counts import clusters_of, count
from steerkit_core.errors import SteerkitError
from steerkit_core.extraction.extraction import Extraction
from steerkit_core.pipeline.steps.cells import GroupCells
from steerkit_core.pipeline.steps.judge import Verdicts
from steerkit_core.recipe.recipe import Setting
from steerkit_core.values import Outcome, Prompt, Trial


@define(eq=False)
class Trials:
    """What the selectors of a group have tried, setting by setting, and what came of it."""

    cells: GroupCells
    verdicts: Verdicts
    _outcomes: dict[tuple[int, Trial], Outcome] = field(factory=dict)
    _tried: dict[int, dict[str, None]] = field(factory=dict)

    def try_out(
        self,
        setting: Setting,
        extraction: Extraction,
        trials: Sequence[Trial],
        prompts: Sequence[Prompt] | None = None,
    ) -> list[Outcome]:
        """Steer, judge and count trials on the selection prompts, or on some of them.

        Raises:
            SteerkitError: a prompt is none of the selection prompts, or there is none.
        """
        chosen = setting.selection.prompts if prompts is None else tuple(dict.fromkeys(prompts))
        _check_selection(setting, chosen)
        self.cells.calibrate(setting, extraction, trials)
        cells = [
            self.cells.steered(setting, setting.selection, extraction, trial, tried=True)
            for trial in trials
        ]
        self._tried.setdefault(id(setting), {}).update(dict.fromkeys(cell.id for cell in cells))
        part = "" if prompts is None else f", {len(chosen)} prompts"
        self.cells.rows.complete(cells, f"{setting.selector.name}: {len(cells)} cells{part}", chosen)
        self.verdicts.judge_all(cells, chosen)
        found: list[Outcome] = []
        for cell, trial in zip(cells, trials, strict=True):
            judged = self.verdicts.judge(cell, chosen)
            entry = count(cell, judged)
            clusters = (
                {label: tuple(clusters_of(judged, label).values()) for label in entry["counts"]}
                if cell.setting.generation.repeats > 1
                else {}
            )
            found.append(Outcome(trial, entry["counts"], entry["failed"], clusters))
            known = self.outcome(setting, trial)
            if known is None or known.asked <= found[-1].asked:
                self._outcomes[id(setting), trial] = found[-1]
        return found

    def outcome(self, setting: Setting, trial: Trial) -> Outcome | None:
        """What came of a trial, on the most prompts that it was tried on; None if it was not."""
        return self._outcomes.get((id(setting), trial))

    def tried(self, setting: Setting) -> tuple[str, ...]:
        """The ids of the cells that the setting's selector has seen."""
        return tuple(self._tried.get(id(setting), ()))

    def has_tried(self, setting: Setting) -> bool:
        """Whether the setting's selector has tried anything."""
        return bool(self._of(setting))

    def all_sick(self, setting: Setting) -> bool:
        """Whether every way to steer that the setting's selector has tried failed."""
        outcomes = self._of(setting)
        return bool(outcomes) and all(outcome.sick for outcome in outcomes)

    def _of(self, setting: Setting) -> list[Outcome]:
        return [outcome for (owner, _), outcome in self._outcomes.items() if owner == id(setting)]


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
