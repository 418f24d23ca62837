"""`run_recipe`: a checked recipe, a folder, and all that lies between."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import define, evolve, field

from steerkit_core.counting.best_cell import (
    best,
    bias_of_best,
    named_on_evaluation,
    with_bias,
)
from steerkit_core.counting.comparison import with_holm
from steerkit_core.counting.controls import judge_controls, unbeaten_note
from steerkit_core.counting.notes import run_notes
from steerkit_core.counting.transfer_efficiency import transfers
from steerkit_core.counting.trends import trends
from steerkit_core.counting.windows import windows
from steerkit_core.errors import NumericError
from steerkit_core.judging.judging import Judges
from steerkit_core.model.load_model import load_model, release_memory
from steerkit_core.model.loaded_models import LoadedModels
from steerkit_core.model.prompt_audit import audit
from steerkit_core.pipeline.group_run import GroupRun, run_group
from steerkit_core.pipeline.manifest import (
    describe_hardware,
    describe_model,
    describe_run,
    finish,
    known_batch_rows,
)
from steerkit_core.pipeline.pairs import paired
from steerkit_core.pipeline.steps.group import LoadedGroup
from steerkit_core.pipeline.steps.results import GroupResult, failed_group
from steerkit_core.plugin.registry import Registry
from steerkit_core.progress import Progress, Silent
from steerkit_core.recipe.plan import Group, Plan, make_plan
from steerkit_core.recipe.recipe import Recipe
from steerkit_core.report.content.record import RunRecord
from steerkit_core.report.page.html import render_html
from steerkit_core.results.cells import CellResult
from steerkit_core.results.converter import unstructured
from steerkit_core.results.files import MANIFEST, RECIPE, REPORT, RESULTS, VERDICTS
from steerkit_core.results.manifest import Manifest, ParityCheck
from steerkit_core.results.results import RunFacts, RunResults
from steerkit_core.results.rows import CompletionRow, JudgedRow, VerdictRow
from steerkit_core.results.run_directory import RunDirectory, open_run

if TYPE_CHECKING:
    from steerkit_core.model.handle import ModelHandle


def run_recipe(
    recipe: Recipe,
    registry: Registry,
    out: Path,
    *,
    fresh: bool = False,
    progress: Progress | None = None,
) -> RunResults:
    """Run a recipe in the folder `out`, or resume the run that it holds.

    Returns:
        What `results.json` holds.

    Raises:
        SteerkitError: something that the user can put right; what was finished is kept.
    """
    recipe = paired(recipe, registry)
    plan = make_plan(recipe, registry)
    progress = progress or Silent()
    with open_run(out, recipe.fingerprint, fresh=fresh) as store:
        manifest = describe_run(recipe, registry, plan.completions, earlier=store.manifest)
        # the manifest first: it is what makes this folder a run's that may be killed and resumed
        store.write_json(MANIFEST, manifest)
        store.write_text(RECIPE, recipe.text)
        registry.host.notify("steerkit_run_started", recipe=recipe, out=out)
        kept = len(store.completions)
        if kept:
            progress.step(f"resuming {out}: {kept} completions already done")
        session = _Session(store, registry, recipe.run.seed, progress, manifest, LoadedModels(registry))
        groups = [session.run(group) for group in plan.groups]
        results = _results(plan, groups, store)
        store.write_lines(VERDICTS, session.verdicts)
        store.write_json(RESULTS, results)
        manifest = finish(session.manifest)
        store.write_json(MANIFEST, manifest)
        record = RunRecord(out, manifest, results, _judged(store, session.verdicts))
        store.write_text(REPORT, render_html([record]))
        registry.host.notify("steerkit_run_finished", report=unstructured(results), out=out)
    return results


@define(eq=False)
class _Session:
    """A run in the making: what its groups share, and what they leave behind besides their results."""

    store: RunDirectory
    registry: Registry
    seed: int
    progress: Progress
    manifest: Manifest
    models: LoadedModels
    verdicts: list[VerdictRow] = field(factory=list)

    def run(self, group: Group) -> GroupResult:
        """Load a model, run its configurations, and let go of it: the next may need all of the memory."""
        self.progress.step(f"loading {group.spec.label}")
        try:
            result = self._run_loaded(group)
        except NumericError as error:
            result = failed_group(group, error)
        for failure in result.errors:
            failure.__traceback__ = None  # its frames hold the model
        release_memory()
        for cell in result.cells:
            self.registry.host.notify(
                "steerkit_cell_finished", cell=unstructured(cell), out=self.store.path
            )
        return result

    def _run_loaded(self, group: Group) -> GroupResult:
        model = load_model(group, self.registry)
        with self.models.lending(model):
            return self._run_with(group, model)

    def _run_with(self, group: Group, model: ModelHandle) -> GroupResult:
        model.batch_rows.update(known_batch_rows(self.store.manifest, model))
        audited = audit(model.tokenizer, model.adapter, (*group.settings, *group.lent))
        parity = self._parity(group, model)
        models, loaded_model = self.manifest.models, describe_model(model, audited, parity)
        self._note(models=(*models, loaded_model), hardware=describe_hardware())
        judges = Judges(self.registry, self.models, self.store)
        loaded = LoadedGroup(group, model, self.store, self.registry, self.seed, judges, self.progress)
        run = GroupRun.of(loaded)
        result = run_group(run)
        # once more, with the batch sizes that were measured
        self._note(models=(*models, describe_model(model, audited, parity)))
        notes = (*result.notes, *(f"{group.spec.label}: {note}." for note in audited.notes))
        result = evolve(result, notes=notes)
        self.verdicts += _verdicts(run)
        return result

    def _note(self, **facts: Any) -> None:
        """Keep further facts in the manifest."""
        self.manifest = evolve(self.manifest, **facts)
        self.store.write_json(MANIFEST, self.manifest)

    def _parity(self, group: Group, model: ModelHandle) -> ParityCheck | None:
        """Whether the model is read as transformers reports it, on one prompt."""
        from steerkit_core.model.parity import check_parity

        settings = (*group.settings, *group.lent)
        found = check_parity(model, settings[0].contrast.negative[0])
        if found is not None and not found.agrees:
            self.progress.step(
                f"warning: activations of {group.spec.id} differ from transformers' hidden states"
            )
        return found


def _results(plan: Plan, groups: Sequence[GroupResult], store: RunDirectory) -> RunResults:
    """What the groups of a run come to together.

    Raises:
        SteerkitError: not one configuration came to a result.
    """
    selections = [entry for group in groups for entry in group.selections]
    if all(entry.failed for entry in selections):
        raise next(error for group in groups for error in group.errors)
    # two specs, such as dtype auto and float32, may come to the same numbers
    cells: dict[str, CellResult] = {}
    for cell in (cell for group in groups for cell in group.cells):
        cells.setdefault(cell.id, cell)
    recipe, seed = plan.recipe, plan.recipe.run.seed
    shares = {id_: found for group in groups for id_, found in group.shares.items()}
    selections = [with_bias(entry, cells, shares, seed) for entry in selections]
    selected = best(cells, selections)
    labels = {id_: found for group in groups for id_, found in group.labels.items()}
    sizes = {model: size for group in groups for model, size in group.sizes.items()}
    comparisons = with_holm([entry for group in groups for entry in group.comparisons])
    left_out = [entry for group in groups for entry in group.controls]
    controls = judge_controls(comparisons, cells, left_out)
    on_evaluation = named_on_evaluation(selected, selections)
    marks = {entry.cell for entry in selections if entry.selected_on_evaluation}
    marks |= {selected} if on_evaluation else set()
    return RunResults(
        run=RunFacts(name=recipe.run.name, seed=seed, recipe_fingerprint=recipe.fingerprint),
        cells=tuple(evolve(cell, selected_on_evaluation=id_ in marks) for id_, cell in cells.items()),
        selections=tuple(selections),
        selected=selected,
        selected_on_evaluation=on_evaluation,
        optimism=bias_of_best(selected, selections, cells, shares, seed),
        windows=windows(cells.values()),
        comparisons=comparisons,
        controls=controls,
        trends=trends(selections, cells, sizes, labels),
        quantization=tuple(entry for group in groups for entry in group.shifts),
        transfers=transfers(cells, selections, comparisons, labels, store, seed),
        excluded=recipe.excluded,
        health=tuple(entry for group in groups for entry in group.health),
        notes=(
            *run_notes(selections, tuple(cells.values())),
            *(unbeaten_note(found, cells[found.cell]) for found in controls if not found.beaten),
            *(note for group in groups for note in group.notes),
        ),
    )


def _judged(store: RunDirectory, verdicts: Iterable[VerdictRow]) -> dict[str, list[JudgedRow]]:
    """The completions of each cell with their verdicts."""
    found: dict[str, list[JudgedRow]] = {}
    for verdict in verdicts:
        text = CompletionRow.of(verdict.cell, store.completions[verdict.cell, verdict.prompt_id])
        found.setdefault(verdict.cell, []).append(JudgedRow.joined(text, verdict))
    return found


def _verdicts(run: GroupRun) -> Iterator[VerdictRow]:
    for cell in run.rows.cells.values():
        for completion, verdict in run.verdicts.judge(cell):
            yield VerdictRow(
                cell=cell.id,
                prompt_id=completion.prompt.id,
                classifier=cell.setting.classifier.name,
                label="failed" if verdict is None else verdict.label,
                rule=completion.error if verdict is None else verdict.rule,
                evidence="" if verdict is None else verdict.evidence,
                scores={} if verdict is None else verdict.scores,
                spans=() if verdict is None else verdict.spans,
            )


def _quantized(group: Group) -> str:
    return "" if group.spec.quantization == "none" else f" ({group.spec.quantization})"
