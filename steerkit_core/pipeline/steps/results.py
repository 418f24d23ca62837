"""What a group adds to `results.json`: its values, and the entries of its settings' selections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any

from attrs import field, frozen

from steerkit_core.counting.trends import ModelSize
from steerkit_core.errors import NumericError, SteerkitError
from steerkit_core.recipe.plan import Group
from steerkit_core.recipe.recipe import NamedPrompts, Setting
from steerkit_core.steering.cells import Cell
from steerkit_core.values import Outcome, Selection


@frozen(eq=False)
class GroupResult:
    """What a group adds to `results.json`, list by list.

    `labels` are each cell's, by prompt, and `shares` of each prompt's completions those that are refusals;
    `controls` names each chosen cell that was to have controls, with
    those that there are none of, and why. `sizes` has the model's by its id.
    """

    cells: tuple[dict[str, Any], ...]
    selections: tuple[dict[str, Any], ...]
    comparisons: tuple[dict[str, Any], ...] = ()
    controls: tuple[tuple[str, tuple[str, ...]], ...] = ()
    labels: Mapping[str, Mapping[str, str]] = field(factory=dict)
    shares: Mapping[str, Mapping[str, float]] = field(factory=dict)
    sizes: Mapping[str, ModelSize] = field(factory=dict)
    drift: tuple[dict[str, Any], ...] = ()
    health: tuple[dict[str, Any], ...] = ()
    notes: tuple[str, ...] = ()
    errors: tuple[SteerkitError, ...] = ()


def failed_group(group: Group, error: NumericError) -> GroupResult:
    """What a group comes to whose model cannot be used: a reason for every setting."""
    entries = tuple(failed_entry(setting, str(error)) for setting in group.settings)
    return GroupResult((), entries, errors=(error,))


def failed_entry(setting: Setting, reason: str, cell: Cell | None = None) -> dict[str, Any]:
    """A setting that came to no selection, and why; its cell, if it has one, is a failed one."""
    return {
        "cell": None if cell is None else cell.id,
        "failed": True,
        "selector": setting.selector.name,
        "overrides": dict(setting.overrides),
        "reason": reason,
        "prompts": setting.selection.name,
        "shared_prompts": 0,
        "selected_on_evaluation": False,
        "tried": [],
        "refusal_rate": None,
        "table": [],
    }


def selection_entry(
    setting: Setting,
    selection: Selection,
    final: Cell,
    outcome: Outcome | None,
    tried: Sequence[str],
    read: Set[str],
) -> dict[str, Any]:
    """How a setting came to its layer, and how the chosen one did, if it saw all selection prompts.

    `tried` are the ids of the cells that the selector has seen, and `read` the texts of the prompts that it
    read, be they of the selection, the contrast or the validation set.
    """
    shared = _texts(setting.selection) & _texts(setting.evaluation)
    seen = (shared if len(tried) > 1 else set()) | (read & _texts(setting.evaluation))
    whole = outcome is not None and outcome.asked == len(setting.selection.prompts)
    return {
        "cell": final.id,
        "failed": False,
        "selector": setting.selector.name,
        "overrides": dict(setting.overrides),
        "reason": selection.reason,
        "prompts": setting.selection.name,
        "shared_prompts": len(shared),
        "selected_on_evaluation": bool(seen),
        "tried": list(tried),
        "refusal_rate": outcome.rate("refusal") if outcome is not None and whole else None,
        "table": [dict(row) for row in selection.table],
    }


def _texts(prompts: NamedPrompts) -> set[str]:
    return {prompt.text for prompt in prompts.prompts}
