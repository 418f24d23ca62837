"""`run_recipe`: a checked recipe, a folder, and all that lies between."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import asdict, define, evolve, field

from steerkit_core.counting.best_cell import (
    among_settings,
    best,
    luck_of_best,
    named_on_evaluation,
    with_luck,
)
from steerkit_core.counting.comparison import with_holm
from steerkit_core.counting.controls import judge_controls, unbeaten_note
from steerkit_core.counting.transfer_efficiency import transfer_entries
from steerkit_core.counting.trends import trends
from steerkit_core.counting.windows import windows
from steerkit_core.errors import NumericError
from steerkit_core.judging.judging import Judges
from steerkit_core.model.group_loader import load_model, release_memory
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
from steerkit_core.report.html import render_html
from steerkit_core.report.record import read_record
from steerkit_core.results.files import SCHEMA_VERSION
from steerkit_core.results.run_directory import (
    MANIFEST,
    RECIPE,
    REPORT,
    RESULTS,
    VERDICTS,
    RunDirectory,
    open_run,
)

if TYPE_CHECKING:
    from steerkit_core.model.handle import ModelHandle


def run_recipe(
    recipe: Recipe,
    registry: Registry,
    out: Path,
    *,
    fresh: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Run a recipe in the folder `out`, or go on with the run that it holds.

    Returns:
        What `results.json` holds.

    Raises:
        SteerkitError: something that the user can put right; what was finished is kept.
    """
    recipe = paired(recipe, registry)
    plan = make_plan(recipe, registry)
    progress = progress or Silent()
    with open_run(out, recipe.fingerprint, fresh=fresh) as store:
        manifest = describe_run(recipe, registry, earlier=store.manifest)
        manifest["planned"] = plan.completions
        # the manifest first: it is what makes this folder a run's that may be killed and continued
        store.write_json(MANIFEST, manifest)
        store.write_text(RECIPE, recipe.text)
        registry.host.notify("steerkit_run_started", recipe=recipe, out=out)
        kept = len(store.completions)
        if kept:
            progress.step(f"going on with {out}: {kept} completions are there already")
        session = _Session(store, registry, recipe.run.seed, progress, manifest, LoadedModels(registry))
        results = [session.run(group) for group in plan.groups]
        report = _report(plan, results, store)
        store.write_lines(VERDICTS, iter(session.verdicts))
        store.write_json(RESULTS, report)
        manifest = finish(manifest)
        store.write_json(MANIFEST, manifest)
        store.write_text(REPORT, render_html([read_record(out)]))
        registry.host.notify("steerkit_run_finished", report=report, out=out)
    return report


@define(eq=False)
class _Session:
    """A run in the making: what its groups share, and what they leave behind besides their results."""

    store: RunDirectory
    registry: Registry
    seed: int
    progress: Progress
    manifest: dict[str, Any]
    models: LoadedModels
    verdicts: list[dict[str, Any]] = field(factory=list)

    def run(self, group: Group) -> GroupResult:
        """Load a model, run its settings, and let go of it: the next may need all of the memory."""
        self.progress.step(f"loading {group.spec.label}")
        try:
            result = self._run_loaded(group)
        except NumericError as error:
            result = failed_group(group, error)
        for failure in result.errors:
            failure.__traceback__ = None  # its frames hold the model
        release_memory()
        for entry in result.cells:
            self.registry.host.notify("steerkit_cell_finished", cell=entry, out=self.store.path)
        return result

    def _run_loaded(self, group: Group) -> GroupResult:
        model = load_model(group, self.registry)
        with self.models.lending(model):
            return self._run_with(group, model)

    def _run_with(self, group: Group, model: ModelHandle) -> GroupResult:
        model.batch_rows.update(known_batch_rows(self.store.manifest, model))
        audited = audit(model.tokenizer, model.adapter, (*group.settings, *group.lent))
        checked = {"prompts": audited, "parity": self._parity(group, model)}
        self.manifest["models"].append(describe_model(model) | checked)
        self.manifest["hardware"] = describe_hardware()
        self.store.write_json(MANIFEST, self.manifest)
        judges = Judges(self.registry, self.models, self.store)
        loaded = LoadedGroup(group, model, self.store, self.registry, self.seed, judges, self.progress)
        run = GroupRun.of(loaded)
        result = run_group(run)
        # once more, with the batch sizes that were measured
        self.manifest["models"][-1] = describe_model(model) | checked
        self.store.write_json(MANIFEST, self.manifest)
        notes = (*result.notes, *(f"{group.spec.label}: {note}." for note in audited["notes"]))
        result = evolve(result, notes=notes)
        self.verdicts += _verdicts(run)
        return result

    def _parity(self, group: Group, model: ModelHandle) -> dict[str, Any] | None:
        """Whether the model is read as transformers reports it, on one prompt."""
        from steerkit_core.model.parity import describe_parity

        settings = (*group.settings, *group.lent)
        found = describe_parity(model, settings[0].contrast.negative[0])
        if found is not None and not found["agrees"]:
            self.progress.step(f"warning: {group.spec.id} is not read as transformers reports it")
        return found


def _report(plan: Plan, results: Sequence[GroupResult], store: RunDirectory) -> dict[str, Any]:
    """What `results.json` holds.

    Raises:
        SteerkitError: not one setting came to a result.
    """
    selections = [entry for result in results for entry in result.selections]
    if all(entry["failed"] for entry in selections):
        raise next(error for result in results for error in result.errors)
    # two specs, such as dtype auto and float32, may come to the same numbers
    cells: dict[str, dict[str, Any]] = {}
    for entry in (entry for result in results for entry in result.cells):
        cells.setdefault(entry["id"], entry)
    recipe = plan.recipe
    shares = {id_: found for result in results for id_, found in result.shares.items()}
    selections = [with_luck(entry, cells, shares, recipe.run.seed) for entry in selections]
    selected = best(cells, selections)
    labels = {id_: found for result in results for id_, found in result.labels.items()}
    sizes = {model: size for result in results for model, size in result.sizes.items()}
    comparisons = with_holm([entry for result in results for entry in result.comparisons])
    controls = judge_controls(
        comparisons, cells, [entry for result in results for entry in result.controls]
    )
    repeats = [0, 0]
    for cell in cells.values():
        sampled = cell["options"]["generation"]["temperature"] > 0
        repeats[sampled] += cell["n"] - cell["n_unique"]
    on_evaluation = named_on_evaluation(selected, selections)
    marks = {entry["cell"] for entry in selections if entry["selected_on_evaluation"]}
    marks |= {selected} if on_evaluation else set()
    return {
        "schema_version": SCHEMA_VERSION,
        "run": {
            "name": recipe.run.name,
            "seed": recipe.run.seed,
            "recipe_fingerprint": recipe.fingerprint,
        },
        "cells": [{**cell, "selected_on_evaluation": id_ in marks} for id_, cell in cells.items()],
        "selections": selections,
        "selected": selected,
        "selected_on_evaluation": on_evaluation,
        "optimism": luck_of_best(selected, selections, cells, shares, recipe.run.seed),
        "windows": windows(cells.values()),
        "comparisons": comparisons,
        "controls": controls,
        "trends": trends(selections, cells, sizes, labels),
        "quantization": [entry for result in results for entry in result.drift],
        "transfers": transfer_entries(cells, selections, comparisons, labels, store, recipe.run.seed),
        "excluded": [asdict(pair) for pair in recipe.excluded],
        "health": [entry for result in results for entry in result.health],
        "notes": [
            *_notes(selections, *repeats),
            *(unbeaten_note(entry, cells[entry["cell"]]) for entry in controls if not entry["beaten"]),
            *(note for result in results for note in result.notes),
        ],
    }


def _notes(selections: list[dict[str, Any]], folded: int, sampled: int) -> list[str]:
    """What a reader of the rates has to know; `folded` and `sampled` completions repeat a prompt."""
    notes: list[str] = []
    if folded:
        notes.append(
            f"{folded} completions repeat a prompt of their cell; rates and intervals count each prompt"
            " once, with the label that most of its completions have."
        )
    if sampled:
        notes.append(
            f"{sampled} sampled completions repeat a prompt of their cell; rates count each completion,"
            " and intervals are clustered by prompt. Cells are compared by each prompt's share."
        )
    chosen = [entry for entry in selections if entry["selected_on_evaluation"]]
    if lucky := [entry for entry in chosen if entry["shared_prompts"]]:
        candidates = max(len(entry["tried"]) or len(entry["table"]) for entry in lucky)
        shared = max(entry["shared_prompts"] for entry in lucky)
        notes.append(
            f"The selector chose the best of {candidates} cells on prompts of which {shared} are evaluation"
            " prompts too, which inflates the winner's rate; name a held-out set in prompts.selection."
        )
    if len(lucky) < len(chosen):
        notes.append(
            "The selector read evaluation prompts, which are in the contrast or the validation set too, and"
            " this may favour what it chose; keep these sets apart from prompts.evaluation."
        )
    usable = [entry for entry in selections if not entry["failed"]]
    if among_settings(usable):
        notes.append(
            f"The best of {len(usable)} settings was named by its rate on the evaluation prompts, which"
            " inflates that rate."
        )
    return notes


def _verdicts(run: GroupRun) -> Iterator[dict[str, Any]]:
    for cell in run.rows.cells.values():
        for completion, verdict in run.verdicts.judge(cell):
            yield {
                "cell": cell.id,
                "prompt_id": completion.prompt.id,
                "classifier": cell.setting.classifier.name,
                "label": "failed" if verdict is None else verdict.label,
                "rule": completion.error if verdict is None else verdict.rule,
                "evidence": "" if verdict is None else verdict.evidence,
                "scores": {} if verdict is None else dict(verdict.scores),
                "spans": [] if verdict is None else [list(span) for span in verdict.spans],
            }
