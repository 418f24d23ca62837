"""`steerkit agree`."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from steerkit_core.cli import completing
from steerkit_core.cli.application import application_of
from steerkit_core.cli.output import json_option, print_json
from steerkit_core.cli.runs import finished_run
from steerkit_core.errors import SteerkitError, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from steerkit_core.components import Classifier
    from steerkit_core.judging.agreement import Rater
    from steerkit_core.judging.human_labels import Label
    from steerkit_core.judging.run_texts import Texts
    from steerkit_core.plugin.registry import Registry
    from steerkit_core.results.cells import CellResult
    from steerkit_core.results.run_directory import RunDirectory


@click.command(short_help="Measure how far raters agree on a run's texts.")
@click.argument("run", type=click.Path(path_type=Path), shell_complete=completing.runs)
@click.option(
    "--classifiers",
    "raters",
    metavar="NAME,...",
    shell_complete=completing.classifiers,
    help="Raters to compare: classifier names, or person:NAME for human labels."
    "  [default: the run's classifiers and everyone who labelled]",
)
@click.option(
    "--labels",
    type=click.Path(path_type=Path),
    help="Human labels: CSV with prompt_id, cell, label and optionally rater.  [default: the run's]",
)
@click.option(
    "--set", "changes", multiple=True, metavar="NAME.OPTION=VALUE", help="Change a classifier's option."
)
@click.option(
    "--cell",
    "cells",
    multiple=True,
    shell_complete=completing.cells,
    help="Only texts of this cell; can be repeated.",
)
@click.option(
    "--early", is_flag=True, help="Include texts that stopped early because their verdict was settled."
)
@click.option(
    "--disagreements",
    "shown",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    help="How many disagreements to show.",
)
@json_option
@click.pass_context
def agree(
    context: click.Context,
    run: Path,
    raters: str | None,
    labels: Path | None,
    changes: tuple[str, ...],
    cells: tuple[str, ...],
    shown: int,
    *,
    early: bool,
    as_json: bool,
) -> None:
    """Judge the texts of RUN, a run directory or the name of one below runs/, and compare the verdicts.

    Raters are classifiers and people, who label with `steerkit label` or in a file. Each pair gets a
    confusion table, the share of equal verdicts and Cohen's kappa with 95 percent intervals; the texts on
    which they differ follow. Nothing is generated. A classifier that judged the run keeps the options it
    was run with.

    \b
    Examples:
        steerkit agree quickstart --classifiers refusal-keywords,person:alice
        steerkit agree quickstart --classifiers refusal-keywords,judge-model --set judge-model.model=./judge
        steerkit agree quickstart --labels mine.csv --json
    """
    registry = application_of(context).registry

    from steerkit_core.judging.agreement import agreement
    from steerkit_core.judging.run_texts import run_texts

    kept = finished_run(run)
    folder, entries = kept.folder, kept.results.cells
    named = _named(raters)
    people = _people(folder, labels, named)
    names = [name for name in named or _own(entries) if not name.startswith("person:")]
    classifiers = _classifiers(names, entries, changes, registry)
    by_score = any(classifier.watched is not None for classifier in classifiers)
    texts = run_texts(folder, cells, early=early, by_score=by_score)
    known = _known(classifiers, entries)
    asked, notes = _people_asked(folder, people, named, labels, texts, known)
    if len(names) + len(asked) < 2:
        got = ", ".join([*names, *(one.name for one in asked)]) or "none"
        raise SteerkitError(
            f"need at least two raters, got {got}: name classifiers with --classifiers, or label texts with"
            f" `steerkit label {run}`"
        )
    judged = _judged(classifiers, folder, texts, entries, registry, quiet=as_json)
    notes += _notes(texts)
    found = agreement([*judged, *asked], texts, known, run=str(folder), notes=notes)
    if as_json:
        print_json(found)
        return
    from rich.console import Console

    from steerkit_core.report.terminal.agreement import print_agreement

    print_agreement(found, Console(highlight=False), shown=shown)


def _named(raters: str | None) -> list[str]:
    names = [name.strip() for name in (raters or "").split(",") if name.strip()]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise SteerkitError(f"--classifiers: {twice!r} is named twice")
    return names


def _own(entries: Sequence[CellResult]) -> list[str]:
    """The classifiers that the run judged with."""
    return list(dict.fromkeys(entry.classifier for entry in entries))


def _classifiers(
    names: Sequence[str], entries: Sequence[CellResult], changes: Sequence[str], registry: Registry
) -> list[Classifier]:
    from steerkit_core.judging.raters import build_classifier, read_changes

    for name in names:
        registry.get("classifier", name)
    options = read_changes(changes, names)
    return [build_classifier(name, entries, options[name], registry) for name in names]


def _known(classifiers: Sequence[Classifier], entries: Sequence[CellResult]) -> list[str]:
    """Every label that there is: steerkit's own, those compared, and those of the run."""
    from steerkit_core.components import Classifier as Base

    found = [*Base.labels, *(label for one in classifiers for label in one.labels)]
    found += [label for entry in entries for label in entry.counts]
    return list(dict.fromkeys(found))


def _people(folder: Path, path: Path | None, named: Sequence[str]) -> tuple[Label, ...]:
    """The labels of the file that is given, else the run's own where people are wanted."""
    from steerkit_core.judging.human_labels import read_labels
    from steerkit_core.results.files import LABELS

    if path is not None:
        return read_labels(path)
    wanted = not named or any(name.startswith("person:") for name in named)
    own = folder / LABELS
    return read_labels(own) if wanted and own.exists() else ()


def _people_asked(
    folder: Path,
    labels: Sequence[Label],
    named: Sequence[str],
    path: Path | None,
    texts: Texts,
    known: Sequence[str],
) -> tuple[list[Rater], list[str]]:
    """The people who are compared, and what a reader has to know of their labels."""
    from steerkit_core.judging.agreement import person
    from steerkit_core.judging.human_labels import check_labels
    from steerkit_core.results.files import COMPLETIONS, LABELS
    from steerkit_core.results.run_directory import read_completions

    source = path or folder / LABELS
    check_labels(source, labels, known, set(read_completions(folder / COMPLETIONS)))
    there = list(dict.fromkeys(one.rater for one in labels))
    names = [name.removeprefix("person:") for name in named if name.startswith("person:")]
    for name in names:
        if name not in there:
            raise SteerkitError(
                f"{source}: no labels of {name!r}{nearest(name, there)}"
                f" (labels of: {', '.join(there) or 'nobody'})"
            )
    asked, notes = [], []
    for name in names or there:
        rater, doubtful = person(name, labels, texts.texts)
        asked.append(rater)
        if doubtful:
            notes.append(f"{rater.name} gave {doubtful} texts two labels; the first counts.")
        if not rater.verdicts:
            notes.append(f"{rater.name} has labelled none of these texts.")
    return asked, notes


def _judged(
    classifiers: Sequence[Classifier],
    folder: Path,
    texts: Texts,
    entries: Sequence[CellResult],
    registry: Registry,
    *,
    quiet: bool,
) -> list[Rater]:
    """The classifiers' verdicts; a run is only written to where a model is asked."""
    from steerkit_core.judging.judging import Judges
    from steerkit_core.judging.raters import check_scores, rate
    from steerkit_core.model.loaded_models import LoadedModels
    from steerkit_core.results.run_directory import hold_run

    for classifier in classifiers:
        check_scores(classifier, texts.texts, entries, folder, registry)
    asks_models = any(classifier.models for classifier in classifiers)
    held: AbstractContextManager[RunDirectory | None] = hold_run(folder) if asks_models else nullcontext()
    with held as store:
        judges = Judges(registry, LoadedModels(registry), store)
        found = []
        for classifier in classifiers:
            if classifier.models and not quiet:
                click.echo(f"judging {len(texts.texts)} texts: {classifier.name}", err=True)
            found.append(rate(classifier, texts.texts, judges))
        return found


def _notes(texts: Texts) -> list[str]:
    prompts = len({text.completion.prompt.text for text in texts.texts})
    if prompts == len(texts.texts):
        return []
    note = (
        f"These {len(texts.texts)} texts answer {prompts} prompts. The intervals take texts for"
        " independent, which answers to one prompt are not quite; choose a cell with --cell to have one"
        " text for each prompt."
    )
    return [note]
