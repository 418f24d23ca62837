"""What a group adds to `results.json`: its values, and the entries of its configurations' selections."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from steerkit_core.counting.trends import ModelSize
from steerkit_core.errors import NumericError, SteerkitError
from steerkit_core.pipeline.steps.under_way import UnderWay
from steerkit_core.recipe.plan import Group
from steerkit_core.recipe.recipe import NamedPrompts, Setting
from steerkit_core.results.cells import CellResult
from steerkit_core.results.findings import Comparison, QuantizationShift, SelectionResult, StreamResult
from steerkit_core.steering.cells import Cell
from steerkit_core.values import Selection, Trial


@frozen(eq=False)
class GroupResult:
    """What a group adds to `results.json`, list by list.

    `labels` are each cell's, by prompt, and `shares` of each prompt's completions those that are refusals;
    `controls` names each chosen cell that was to have controls, with
    those that there are none of, and why. `sizes` has the model's by its id.
    """

    cells: tuple[CellResult, ...]
    selections: tuple[SelectionResult, ...]
    comparisons: tuple[Comparison, ...] = ()
    controls: tuple[tuple[str, tuple[str, ...]], ...] = ()
    labels: Mapping[str, Mapping[str, str]] = field(factory=dict)
    shares: Mapping[str, Mapping[str, float]] = field(factory=dict)
    sizes: Mapping[str, ModelSize] = field(factory=dict)
    shifts: tuple[QuantizationShift, ...] = ()
    health: tuple[StreamResult, ...] = ()
    notes: tuple[str, ...] = ()
    errors: tuple[SteerkitError, ...] = ()


def failed_group(group: Group, error: NumericError) -> GroupResult:
    """What a group comes to whose model cannot be used: a reason for every configuration."""
    entries = tuple(failed_selection(setting, str(error)) for setting in group.settings)
    return GroupResult((), entries, errors=(error,))


def failed_selection(setting: Setting, reason: str, cell: Cell | None = None) -> SelectionResult:
    """A configuration that came to no selection, and why; its cell, if it has one, is a failed one."""
    return SelectionResult(
        cell=None if cell is None else cell.id,
        failed=True,
        selector=setting.selector.name,
        overrides=dict(setting.overrides),
        reason=reason,
        prompts=setting.selection.name,
        table=(),
    )


def selection_result(way: UnderWay, selection: Selection, final: Cell) -> SelectionResult:
    """How a setting came to its layer, and how the chosen one did, if it saw all selection prompts."""
    setting, outcome = way.setting, way.outcomes.get(trial_of(selection))
    shared = _texts(setting.selection) & _texts(setting.evaluation)
    seen = (shared if len(way.tried) > 1 else set()) | (way.read & _texts(setting.evaluation))
    whole = outcome is not None and outcome.asked == len(setting.selection.prompts)
    return SelectionResult(
        cell=final.id,
        selector=setting.selector.name,
        overrides=dict(setting.overrides),
        reason=selection.reason,
        prompts=setting.selection.name,
        shared_prompts=len(shared),
        selected_on_evaluation=bool(seen),
        tried=tuple(way.tried),
        refusal_rate=outcome.rate("refusal") if outcome is not None and whole else None,
        table=selection.table,
    )


def trial_of(selection: Selection) -> Trial:
    """The way to steer that a selector has chosen."""
    return Trial(selection.layer, selection.position, selection.multiplier)


def _texts(prompts: NamedPrompts) -> set[str]:
    return {prompt.text for prompt in prompts.prompts}
