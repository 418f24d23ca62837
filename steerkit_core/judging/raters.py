"""Who is asked about the texts of a run: installed classifiers, with the run's options or others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import attrs

from steerkit_core.components import Classifier
from steerkit_core.errors import Problem, RecipeError, SteerkitError
from steerkit_core.files.fingerprints import fingerprint
from steerkit_core.judging.agreement import Rater
from steerkit_core.judging.judging import Judges
from steerkit_core.judging.run_texts import Text
from steerkit_core.plugin.registry import Registry
from steerkit_core.recipe.changes import toml_value
from steerkit_core.recipe.compatibility import find_model
from steerkit_core.recipe.lookup import built
from steerkit_core.results.cells import CellResult

WORD = "classifier"
Options = dict[str, object]


def read_changes(changes: Sequence[str], classifiers: Sequence[str]) -> dict[str, Options]:
    """`NAME.option=value` lines as options by classifier.

    Raises:
        RecipeError: a line is not of that form, or is about a classifier that is not asked.
    """
    found: dict[str, Options] = {name: {} for name in classifiers}
    faults: list[Problem] = []
    for change in changes:
        place, equals, value = change.partition("=")
        name, dot, option = place.strip().rpartition(".")
        if equals and dot and option and name in found:
            found[name][option] = toml_value(value.strip())
        else:
            known = ", ".join(classifiers) or "none was named"
            faults.append(
                Problem("--set", f"expected CLASSIFIER.OPTION=VALUE, got {change!r} (classifiers: {known})")
            )
    if faults:
        raise RecipeError(faults)
    return found


def build_classifier(
    name: str, cells: Sequence[CellResult], changes: Options, registry: Registry
) -> Classifier:
    """An installed classifier, with the options that the run judged with, if it did, and then `changes`.

    Raises:
        SteerkitError: there is no such classifier, an option is wrong or missing, a model that it judges
            with is not there, or the run judged with it in several ways, and `changes` leave it open.
    """
    component = registry.get(WORD, name)
    options = _options_of(name, cells, changes) | changes
    classifier = cast("Classifier", built(component, options, name))
    for option, spec in classifier.models.items():
        try:
            find_model(spec, registry)
        except SteerkitError as error:
            raise RecipeError([Problem(f"{name}.{option}", str(error))]) from None
    return classifier


def rate(classifier: Classifier, texts: Sequence[Text], judges: Judges) -> Rater:
    """A classifier's verdicts on all texts."""
    verdicts = judges.judge(classifier, [text.completion for text in texts])
    options = attrs.asdict(cast("Any", classifier))
    return Rater(classifier.name, "classifier", dict(enumerate(verdicts)), options)


def check_scores(
    classifier: Classifier,
    texts: Sequence[Text],
    cells: Sequence[CellResult],
    folder: Path,
    registry: Registry,
) -> None:
    """Refuse a classifier that needs scores of first tokens where the run has not kept these.

    Raises:
        SteerkitError: it has none, or those of other openings.
    """
    if classifier.watched is None:
        return
    of_texts = {cell for text in texts for cell, _ in text.rows}
    fit = {entry.id for entry in cells if _watched(entry, registry) == classifier.watched}
    if of_texts - fit:
        good = ", ".join(entry.id for entry in cells if entry.id in fit)
        remedy = (
            f"choose cells that have, with --cell ({good})"
            if good
            else f"run it with classifier.use = {classifier.name!r} and generation.full_texts = true"
        )
        raise SteerkitError(
            f"classifier {classifier.name!r} needs how likely first tokens were, and {folder} has not kept"
            f" this in {len(of_texts - fit)} of {len(of_texts)} cells: {remedy}"
        )


def _watched(entry: CellResult, registry: Registry) -> tuple[str, ...] | None:
    """The openings whose score the completions of a cell have; None without, or if that cannot be told."""
    registered = registry.entries[WORD].get(entry.classifier)
    if registered is None:
        return None
    try:
        found = built(registered.component, entry.options["classifier"], WORD)
    except RecipeError:  # a newer version may have other options
        return None
    return cast("Classifier", found).watched


def _options_of(name: str, cells: Sequence[CellResult], changes: Options) -> Options:
    """The options that a run judged with, where it judged with `name`; those of the component if not."""
    found = {
        fingerprint(kept): kept
        for entry in cells
        if entry.classifier == name
        for kept in [
            {key: value for key, value in entry.options["classifier"].items() if key not in changes}
        ]
    }
    if len(found) > 1:
        sets = list(found.values())
        keys = sorted(key for key in sets[0] if len({fingerprint(one.get(key)) for one in sets}) > 1)
        raise SteerkitError(
            f"the run has judged with {name!r} in {len(sets)} ways, which differ in {', '.join(keys)}:"
            f" choose with --set {name}.{keys[0]}=..."
        )
    return dict(next(iter(found.values()), {}))
