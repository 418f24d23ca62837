"""The five steps: extract, select, steer, judge, count. Each takes the previous one's value.

The cells of all settings that share a model are generated together, so that a sweep costs no more than
plain batched generation of as many rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from attrs import define, evolve, field, frozen

from steerkit_core.counting.comparison import REFUSAL, compare_cells
from steerkit_core.counting.counts import labels_of, sampled_clusters
from steerkit_core.errors import NumericError, SteerkitError
from steerkit_core.pipeline.steps.cells import GroupCells
from steerkit_core.pipeline.steps.controls import GroupControls
from steerkit_core.pipeline.steps.count import cell_result, refusal_shares
from steerkit_core.pipeline.steps.extract import Extractions
from steerkit_core.pipeline.steps.group import LoadedGroup
from steerkit_core.pipeline.steps.judge import Verdicts
from steerkit_core.pipeline.steps.live import Announcer
from steerkit_core.pipeline.steps.model_notes import health_of, notes_of, shifts_of, size_of
from steerkit_core.pipeline.steps.results import GroupResult, failed_selection, selection_result, trial_of
from steerkit_core.pipeline.steps.select import Selectors
from steerkit_core.pipeline.steps.steer import Rows
from steerkit_core.pipeline.steps.trials import Trials
from steerkit_core.pipeline.steps.under_way import UnderWay
from steerkit_core.recipe.recipe import Setting
from steerkit_core.results.findings import SelectionResult
from steerkit_core.steering.cells import Cell


@frozen(eq=False)
class GroupRun:
    """The configurations of one model, on their way through the steps."""

    loaded: LoadedGroup
    extractions: Extractions
    rows: Rows
    cells: GroupCells
    verdicts: Verdicts
    trials: Trials
    selectors: Selectors
    controls: GroupControls

    @classmethod
    def of(cls, loaded: LoadedGroup) -> GroupRun:
        """A run of a group that has taken no step yet."""
        extractions, rows = Extractions(loaded), Rows(loaded, Announcer(loaded))
        cells, verdicts = GroupCells(loaded, extractions, rows), Verdicts(loaded, rows)
        trials = Trials(cells, verdicts)
        return cls(
            loaded=loaded,
            extractions=extractions,
            rows=rows,
            cells=cells,
            verdicts=verdicts,
            trials=trials,
            selectors=Selectors(loaded, trials),
            controls=GroupControls(loaded, extractions, cells),
        )


@define(eq=False)
class _Choices:
    """What the configurations of a group have come to: chosen cells, their controls, and those that failed.

    `compared` has each chosen cell with the cells that it is compared with.
    """

    finals: list[Cell] = field(factory=list)
    controls: list[Cell] = field(factory=list)
    compared: list[tuple[Cell, Cell]] = field(factory=list)
    selections: list[SelectionResult] = field(factory=list)
    errors: list[SteerkitError] = field(factory=list)


def run_group(run: GroupRun) -> GroupResult:
    """All configurations of one model through the five steps.

    A setting whose numbers overflow fails by itself: its cells are reported as failed, and the others go
    on. Where every configuration does, there is nothing to measure, and nothing is generated.
    """
    choices = _Choices()
    ways = _extract(run, choices)
    _steer_planned(run, ways)
    for way in ways:
        _select(run, way, choices)
    _steer_chosen(run, choices)
    run.verdicts.judge_all(run.rows.cells.values())
    return _count(run, choices)


def _extract(run: GroupRun, choices: _Choices) -> list[UnderWay]:
    """EXTRACT for all configurations; those whose numbers are not finite fail here."""
    ways: list[UnderWay] = []
    failures: list[tuple[Setting, NumericError]] = []
    for setting in run.loaded.group.lent:
        _lend(run.extractions, setting)
    for setting in run.loaded.group.settings:
        try:
            ways.append(UnderWay(setting, run.extractions.extract(setting)))
        except NumericError as error:
            failures.append((setting, error))
    for setting, failure in failures:
        choices.errors.append(failure)
        cell = run.cells.failed(setting, failure)
        choices.selections.append(failed_selection(setting, str(failure), cell))
    return ways


def _lend(extractions: Extractions, setting: Setting) -> None:
    """Extract what a quantized group's setting will reuse, its shuffled controls included."""
    with suppress(NumericError):  # reported by the configurations that lack the directions
        found = extractions.extract(setting)
        for index in range(1, setting.controls.shuffled + 1):
            with suppress(SteerkitError):  # reported by the configuration that lacks the control
                extractions.shuffled(setting, index, found)


def _steer_planned(run: GroupRun, ways: Sequence[UnderWay]) -> None:
    """STEER what is known to be wanted: the baselines, and all that the selectors will try."""
    first = [run.cells.baseline(way.setting) for way in ways]
    for way in ways:
        planned = way.setting.trials(run.loaded.model.num_layers)
        run.cells.calibrate(way, planned)
        first += [run.cells.steered(way, way.setting.selection, trial, tried=True) for trial in planned]
    if first:
        many = len({cell.id for cell in first})
        run.rows.complete(first, f"generating {many} cell" + "s" * (many != 1))


def _select(run: GroupRun, way: UnderWay, choices: _Choices) -> None:
    """SELECT for a configuration: its chosen cell, what that is compared with, and how it was chosen."""
    setting = way.setting
    run.loaded.progress.step(f"selecting: {setting.selector.name}")
    try:
        selection = run.selectors.select(way)
    except SteerkitError as error:
        if not way.all_failed:
            raise
        choices.errors.append(error)
        choices.selections.append(failed_selection(setting, str(error)))
        return
    trial = trial_of(selection)
    # on the very prompts of the selection the cell exists, and is not made again in full; of
    # one that was ended early the rest is made
    same = setting.selection.prompts == setting.evaluation.prompts
    tried = same and trial in way.outcomes
    final = run.cells.steered(way, setting.evaluation, trial, tried=tried)
    choices.finals.append(final)
    choices.compared.append((final, run.cells.baseline(setting)))
    own = run.controls.of(way, trial, final)
    choices.controls += own
    choices.compared += [(final, control) for control in own]
    choices.selections.append(selection_result(way, selection, final))


def _steer_chosen(run: GroupRun, choices: _Choices) -> None:
    """STEER the evaluation prompts as was chosen, and along the controls."""
    if choices.finals:
        numbers = [len({cell.id for cell in cells}) for cells in (choices.finals, choices.controls)]
        run.rows.complete(
            [*choices.finals, *choices.controls],
            "generating {} selected cells, {} controls".format(*numbers),
        )


def _count(run: GroupRun, choices: _Choices) -> GroupResult:
    """COUNT all cells, and put together what the group adds to the results."""
    cells, loaded, measured = run.rows.cells.values(), run.loaded, run.extractions.measured
    chosen = {cell.id for cell in choices.finals}
    results = [evolve(cell_result(cell, run.verdicts), selected=cell.id in chosen) for cell in cells]
    by_id = {result.id: result for result in results}
    judged = {cell.id: run.verdicts.judge(cell) for cell in cells}
    labels = {id_: labels_of(rows) for id_, rows in judged.items()}
    pairs = dict.fromkeys((cell.id, reference.id) for cell, reference in choices.compared)
    clusters = {cell.id: sampled_clusters(cell, judged[cell.id], REFUSAL) for cell in cells}
    sampled = {id_: found for id_, found in clusters.items() if found}
    comparisons = (
        compare_cells(by_id[cell], by_id[reference], labels, sampled) for cell, reference in pairs
    )
    run.controls.note_failed(choices.compared, by_id)
    errors = [row.error for rows in judged.values() for row, _ in rows]
    return GroupResult(
        cells=tuple(results),
        selections=tuple(choices.selections),
        comparisons=tuple(found for found in comparisons if found is not None),
        controls=tuple((cell, tuple(why)) for cell, why in run.controls.left_out.items()),
        labels=labels,
        shares={cell.id: refusal_shares(cell, run.verdicts) for cell in cells},
        sizes={loaded.group.spec.id: size_of(loaded)},
        shifts=tuple(shifts_of(loaded, measured)),
        health=tuple(health_of(loaded, measured, errors)),
        notes=tuple(notes_of(loaded, measured, results)),
        errors=tuple(choices.errors),
    )
