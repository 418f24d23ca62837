"""`run_recipe`: a checked recipe, a folder, and all that lies between."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from steerkit_core.manifest import (
    describe_hardware,
    describe_model,
    describe_run,
    finish,
    known_batch_rows,
)
from steerkit_core.pipeline import GroupRun, Progress, Silent, load_model, run_group
from steerkit_core.plan import Group, Plan, make_plan
from steerkit_core.recipe import Recipe
from steerkit_core.registry import Registry
from steerkit_core.report.html import render_html
from steerkit_core.store import MANIFEST, RECIPE, REPORT, RESULTS, VERDICTS, open_run

SCHEMA_VERSION = 1


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
    from steerkit_core.parity import describe_parity

    plan = make_plan(recipe, registry)
    progress = progress or Silent()
    with open_run(out, recipe.fingerprint, fresh=fresh) as store:
        manifest = describe_run(recipe, registry, earlier=store.manifest)
        # the manifest first: it is what makes this folder a run's that may be killed and continued
        store.write_json(MANIFEST, manifest)
        store.write_text(RECIPE, recipe.text)
        registry.host.notify("steerkit_run_started", recipe=recipe, out=out)
        kept = len(store.completions)
        if kept:
            progress.step(f"going on with {out}: {kept} completions are there already")
        runs: list[GroupRun] = []
        cells: list[dict[str, Any]] = []
        selections: list[dict[str, Any]] = []
        for group in plan.groups:
            progress.step(f"loading {group.spec.id}{_quantized(group)}")
            model = load_model(group, registry)
            model.batch_rows.update(known_batch_rows(store.manifest, model))
            parity = describe_parity(model, group.settings[0].contrast.negative[0])
            if parity is not None and not parity["agrees"]:
                progress.step(f"warning: {group.spec.id} is not read as transformers reports it")
            manifest["models"].append(describe_model(model) | {"parity": parity})
            manifest["hardware"] = describe_hardware()
            store.write_json(MANIFEST, manifest)
            run = GroupRun(group, model, store, registry, recipe.run.seed, progress)
            group_cells, group_selections = run_group(run)
            manifest["models"][-1] = describe_model(model)
            store.write_json(MANIFEST, manifest)
            for entry in group_cells:
                registry.host.notify("steerkit_cell_finished", cell=entry, out=out)
            # two specs, such as dtype auto and float32, may come to the same numbers
            cells += [entry for entry in group_cells if entry["id"] not in {cell["id"] for cell in cells}]
            selections += group_selections
            runs.append(run)
        report = _report(plan, cells, selections)
        store.write_lines(VERDICTS, (row for run in runs for row in _verdicts(run)))
        store.write_json(RESULTS, report)
        manifest = finish(manifest)
        store.write_json(MANIFEST, manifest)
        store.write_text(REPORT, render_html(report, manifest, _texts(runs, report)))
        registry.host.notify("steerkit_run_finished", report=report, out=out)
    return report


def _report(plan: Plan, cells: list[dict[str, Any]], selections: list[dict[str, Any]]) -> dict[str, Any]:
    recipe = plan.recipe
    return {
        "schema_version": SCHEMA_VERSION,
        "run": {
            "name": recipe.run.name,
            "seed": recipe.run.seed,
            "recipe_fingerprint": recipe.fingerprint,
        },
        "cells": cells,
        "selections": selections,
        "selected": _best(cells, selections),
        "notes": _notes(selections),
    }


def _best(cells: list[dict[str, Any]], selections: list[dict[str, Any]]) -> str | None:
    """The setting with the highest refusal rate: on the selection prompts, if all were tried there."""
    by_id = {cell["id"]: cell for cell in cells}
    tried = all(entry["refusal_rate"] is not None for entry in selections)

    def rank(entry: Mapping[str, Any]) -> float:
        rates = by_id[entry["cell"]]["rates"]
        own = rates["refusal"]["rate"] if "refusal" in rates else 0.0
        return float(entry["refusal_rate"] if tried else own)

    return max(selections, key=rank)["cell"] if selections else None


def _notes(selections: list[dict[str, Any]]) -> list[str]:
    """What a reader of the rates has to know."""
    notes: list[str] = []
    chosen = [entry for entry in selections if entry["shared_prompts"] and len(entry["table"]) > 1]
    if chosen:
        candidates = max(len(entry["table"]) for entry in chosen)
        shared = max(entry["shared_prompts"] for entry in chosen)
        notes.append(
            f"The selector chose the best of {candidates} cells on prompts of which {shared} are evaluation"
            " prompts too, which inflates the winner's rate; name a held-out set in prompts.selection."
        )
    if len(selections) > 1 and any(
        entry["refusal_rate"] is None or entry["shared_prompts"] for entry in selections
    ):
        notes.append(
            f"The best of {len(selections)} settings was named by its rate on the evaluation prompts, which"
            " inflates that rate."
        )
    return notes


def _verdicts(run: GroupRun) -> Iterator[dict[str, Any]]:
    for cell in run.cells.values():
        for completion, verdict in run.judge(cell):
            yield {
                "cell": cell.id,
                "prompt_id": completion.prompt.id,
                "classifier": cell.setting.classifier.name,
                "label": "failed" if verdict is None else verdict.label,
                "rule": completion.error if verdict is None else verdict.rule,
                "evidence": "" if verdict is None else verdict.evidence,
            }


def _texts(runs: Sequence[GroupRun], report: Mapping[str, Any]) -> dict[str, list[dict[str, str]]]:
    """The completions of the cells that the report shows in full: the baselines and the selected ones."""
    shown = {cell["id"] for cell in report["cells"] if cell["selected"] or cell["role"] == "baseline"}
    return {
        cell.id: [
            {
                "id": completion.prompt.id,
                "prompt": completion.prompt.text,
                "text": completion.text or completion.error or "",
            }
            for completion, _ in run.judge(cell)
        ]
        for run in runs
        for cell in run.cells.values()
        if cell.id in shown
    }


def _quantized(group: Group) -> str:
    return "" if group.spec.quantization == "none" else f" ({group.spec.quantization})"
