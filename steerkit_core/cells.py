"""A cell: one intervention on one set of prompts, named by a hash of everything that determines it.

Cells that differ in nothing but their classifier have the same completions; `source` is what they share.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
from attrs import evolve, frozen

from steerkit_core.controls import Control, same_effect
from steerkit_core.errors import SteerkitError
from steerkit_core.prompts import fingerprint as prompts_fingerprint
from steerkit_core.recipe import NamedPrompts, Setting, fingerprint
from steerkit_core.stats import clustered_wilson, fold, wilson
from steerkit_core.values import (
    CellRole,
    ClassActivations,
    Completion,
    Condition,
    Direction,
    DirectionSet,
    Intervention,
    Steering,
    Trial,
    Verdict,
)

# the columns of a cell that are null where nothing was steered
STEERING = (
    "layer",
    "depth",
    "position",
    "multiplier",
    "unit",
    "strength",
    "direction",
    "condition",
    "calibration",
    "extraction",
    "origin",
)

# the columns of a cell that an unfinished run is shown with
BEGUN = (
    *("model", "quantization", "role", "control", "extractor", "site"),
    *("prompts", "classifier", "layer", "multiplier"),
)


@frozen
class CellModel:
    """What cells say of their model; `identity` is all that determines its numbers."""

    id: str
    quantization: str
    num_layers: int
    family_multiplier: float
    identity: Mapping[str, Any]
    num_heads: int = 1


@frozen
class Reading:
    """What a classifier wants of every text: tokens to be watched at its first, and where it may end."""

    watch: tuple[int, ...] = ()
    enough: int | None = None

    @property
    def identity(self) -> dict[str, Any]:
        """Its part of a cell's name; nothing where nothing is wanted."""
        found = {"watch": list(self.watch), "enough": self.enough}
        return {name: value for name, value in found.items() if value}


PLAIN = Reading()


@frozen(eq=False)
class Cell:
    """One intervention on one set of prompts, and its judge. `facts` are its columns in `results.json`.

    `source` hashes all that determines the completions, `id` the judge too. Where it `ends_early`, a text
    ends as soon as its verdict is settled. `reading` is what the judge wants of every text.
    """

    id: str
    source: str
    setting: Setting
    prompts: NamedPrompts
    intervention: Intervention
    facts: Mapping[str, Any]
    ends_early: bool = False
    reading: Reading = PLAIN

    @property
    def begun(self) -> dict[str, Any]:
        """What is kept of it as soon as it is begun; the rest comes with its results."""
        return {name: self.facts[name] for name in BEGUN} | {"prompts_total": len(self.prompts.prompts)}


@frozen(eq=False)
class Source:
    """What a steered cell is made from; `identity` names directions and site, `judge` the classifier.

    `classes` reads the contrast set's activations, for a site that asks. `origin` is where the directions
    come from, if not from the model that is steered.
    """

    directions: DirectionSet
    residual_norms: tuple[float, ...]
    identity: Mapping[str, Any]
    judge: Mapping[str, Any]
    classes: Callable[[], ClassActivations]
    origin: Mapping[str, Any] | None = None


def baseline_cell(
    model: CellModel, setting: Setting, judge: Mapping[str, Any], seed: int, reading: Reading = PLAIN
) -> Cell:
    """The unsteered cell on the evaluation prompts; `judge` identifies the classifier."""
    identity = _identity(model, setting, setting.evaluation, seed) | {"steering": None} | reading.identity
    facts = _facts(model, setting, "baseline", setting.evaluation) | dict.fromkeys(STEERING)
    cell = _cell(identity, judge, setting, setting.evaluation, Intervention(), facts)
    return evolve(cell, reading=reading)


def _cell(
    identity: Mapping[str, Any],
    judge: Mapping[str, Any],
    setting: Setting,
    prompts: NamedPrompts,
    intervention: Intervention,
    facts: Mapping[str, Any],
) -> Cell:
    # the letter keeps a table reader from taking an id of digits, perhaps with one e, for a number
    own = f"c{fingerprint({**identity, 'judge': dict(judge)})[:11]}"
    return Cell(own, fingerprint(identity), setting, prompts, intervention, facts)


def steered_cell(
    model: CellModel,
    setting: Setting,
    prompts: NamedPrompts,
    trial: Trial,
    source: Source,
    seed: int,
    *,
    ends_early: bool = False,
    reading: Reading = PLAIN,
    calibration: Mapping[str, Any] | None = None,
) -> Cell:
    """The cell that steers as `trial` says.

    The multiplier is the trial's, else the site's, else the family's; sites without one leave it out.
    `calibration` says how the trial's was found, if it was.

    Raises:
        SteerkitError: there is no usable direction at the trial's layer and position.
    """
    multiplier = _multiplier(model, setting, trial)
    steering = steering_of(model, setting, trial, source, 0.0 if multiplier is None else multiplier)
    direction = steering.direction
    intervention = setting.site.intervene(steering)
    place = {"layer": trial.layer, "position": trial.position, "multiplier": multiplier}
    identity = _identity(model, setting, prompts, seed) | {"steering": dict(source.identity) | place}
    if ends_early:
        identity["ends_early"] = True
    identity |= reading.identity
    facts = _facts(model, setting, "steered", prompts) | {
        **place,
        "depth": round(trial.layer / model.num_layers, 4),
        "unit": None if multiplier is None else getattr(setting.site, "unit", None),
        "strength": _strength(intervention, steering, direction),
        "direction": {"raw_norm": direction.raw_norm},
        "condition": _condition(intervention.condition),
        "calibration": calibration,
        "extraction": source.identity["extraction"],
        "origin": None if source.origin is None else dict(source.origin),
    }
    if source.origin is not None:
        facts["source"] = origin_words(source.origin)
    cell = _cell(identity, source.judge, setting, prompts, intervention, facts)
    return evolve(cell, ends_early=ends_early, reading=reading)


def origin_words(origin: Mapping[str, Any]) -> str:
    """Where directions come from that are not the model's own, in the words of tables and maps."""
    return f"{origin['run'] or origin['model']}" + (
        "" if origin["map"] == "none" else f", {origin['map']} map"
    )


def control_cell(
    model: CellModel,
    cell: Cell,
    trial: Trial,
    source: Source,
    control: Control,
    seed: int,
) -> Cell | None:
    """The cell that steers as a chosen one does, along a control's directions.

    Site, layer, position, multiplier, length and condition are those of the chosen cell, and so are the
    prompts that its condition holds for.

    Args:
        model: the setting's model.
        cell: the chosen cell.
        trial: what it was made from.
        source: the same.
        control: the directions that take the place of the source's.
        seed: the run's.

    Returns:
        None where the control does just what the chosen cell does.

    Raises:
        SteerkitError: there is no usable direction at the trial's layer and position.
    """
    setting, prompts = cell.setting, cell.prompts
    multiplier = cell.facts["multiplier"]
    steering = Steering(
        directions=control.directions,
        layer=trial.layer,
        position=trial.position,
        multiplier=0.0 if multiplier is None else multiplier,
        num_layers=model.num_layers,
        residual_norms=source.residual_norms,
        num_heads=model.num_heads,
        classes=source.classes,
    )
    own = setting.site.intervene(steering)
    intervention = evolve(own, condition=cell.intervention.condition)
    if same_effect(cell.intervention, intervention):
        return None
    place = {"layer": trial.layer, "position": trial.position, "multiplier": multiplier}
    steered = dict(source.identity) | place | {"control": dict(control.identity)}
    identity = _identity(model, setting, prompts, seed) | {"steering": steered} | cell.reading.identity
    direction = steering.direction
    chosen = source.directions.at(trial.layer, trial.position)
    facts = {
        **cell.facts,
        "role": "control",
        "control": control.name,
        "strength": _strength(intervention, steering, direction),
        "direction": {
            "raw_norm": direction.raw_norm,
            "cosine": float(direction.unit.double() @ chosen.unit.double()),
        },
        "extraction": control.extraction,
    }
    made = _cell(identity, source.judge, setting, prompts, intervention, facts)
    return evolve(made, reading=cell.reading)


def steering_of(
    model: CellModel, setting: Setting, trial: Trial, source: Source, multiplier: float
) -> Steering:
    """What the site is given to steer at the trial's layer and position with some multiplier.

    Raises:
        SteerkitError: there is no usable direction there.
    """
    steering = Steering(
        directions=source.directions,
        layer=trial.layer,
        position=trial.position,
        multiplier=multiplier,
        num_layers=model.num_layers,
        residual_norms=source.residual_norms,
        num_heads=model.num_heads,
        classes=source.classes,
    )
    try:
        steering.direction  # noqa: B018  # reason: it is looked up
    except KeyError:
        raise SteerkitError(
            f"extractor {setting.extractor.name!r} has no direction at layer {trial.layer}, position"
            f" {trial.position} (positions: {', '.join(map(str, source.directions.positions))})"
        ) from None
    return steering


def failed_cell(model: CellModel, setting: Setting, source: Mapping[str, Any], seed: int) -> Cell:
    """The cell of a setting that came to no direction; every row of it is a failure.

    Args:
        model: the setting's model.
        setting: what was asked for.
        source: `steering` says what was tried and why it failed, `judge` identifies the classifier.
        seed: the run's.
    """
    identity = _identity(model, setting, setting.evaluation, seed) | {"steering": source["steering"]}
    facts = _facts(model, setting, "steered", setting.evaluation) | dict.fromkeys(STEERING)
    return _cell(identity, source["judge"], setting, setting.evaluation, Intervention(), facts)


def count(cell: Cell, judged: Sequence[tuple[Completion, Verdict | None]]) -> dict[str, Any]:
    """The cell's entry of `results.json`: counts over the rows that have a verdict, rates over prompts.

    `judged` are the rows that were asked for, fewer than the cell has prompts where it was ended early.
    """
    labels = [verdict.label for _, verdict in judged if verdict is not None]
    counts = {label: labels.count(label) for label in cell.setting.classifier.labels}
    observed = list(labels_of(judged).values())
    causes = [completion.error for completion, _ in judged if completion.error is not None]
    return {
        "id": cell.id,
        **cell.facts,
        "n": len(labels),
        "n_unique": len(observed),
        "failed": len(judged) - len(labels),
        "prompts_total": len(cell.prompts.prompts),
        "errors": sorted(set(causes)),
        "sick": sick_cause(causes, len(judged)),
        "stops": dict(sorted(Counter(completion.stop for completion, _ in judged).items())),
        "counts": counts,
        "rates": {label: _rate(cell, label, judged, observed) for label in counts},
    }


def _rate(
    cell: Cell, label: str, judged: Sequence[tuple[Completion, Verdict | None]], observed: Sequence[str]
) -> dict[str, Any]:
    """How often a label was given: by prompt, or where completions of a prompt were sampled by completion.

    Greedy repeats are the same, and folded into `observed`; of sampled ones every completion is counted,
    and the interval is that of their effective number.
    """
    rate, effective = wilson(observed.count(label), len(observed)), float(len(observed))
    if cell.setting.generation.temperature > 0:
        by_text = clusters_of(judged, label)
        if any(size > 1 for _, size in by_text.values()):
            rate, effective = clustered_wilson(list(by_text.values()))
    return attrs.asdict(rate) | {"n_effective": effective}


def clusters_of(
    judged: Sequence[tuple[Completion, Verdict | None]], label: str
) -> dict[str, tuple[int, int]]:
    """For each prompt that has a verdict, by its text: completions with the label, and all of them."""
    found: dict[str, tuple[int, int]] = {}
    for row, verdict in judged:
        if verdict is not None:
            k, size = found.get(row.prompt.text, (0, 0))
            found[row.prompt.text] = (k + (verdict.label == label), size + 1)
    return found


def shares_of(
    judged: Sequence[tuple[Completion, Verdict | None]], label: str, *, sampled: bool
) -> dict[str, float]:
    """The share of each prompt's completions that have a label; of greedy ones, which are one, 0 or 1."""
    if not sampled:
        return {text: float(found == label) for text, found in labels_of(judged).items()}
    return {text: k / size for text, (k, size) in clusters_of(judged, label).items()}


def labels_of(judged: Sequence[tuple[Completion, Verdict | None]]) -> dict[str, str]:
    """One label for each prompt that has a verdict, by its text: repeats are one observation."""
    return fold((row.prompt.text, verdict.label) for row, verdict in judged if verdict is not None)


def sick_cause(causes: Sequence[str], rows: int) -> str | None:
    """Why a cell is sick, which it is if at least half of its rows failed; None for one that is not.

    The few rows that are left of a sick cell say nothing about the intervention.
    """
    if not causes or 2 * len(causes) < rows:
        return None
    common = max(sorted(set(causes)), key=causes.count)
    return f"{len(causes)} of {rows} completions failed: {common}"


def _multiplier(model: CellModel, setting: Setting, trial: Trial) -> float | None:
    if not setting.site.takes_multiplier:
        if trial.multiplier is not None:
            raise SteerkitError(f"site {setting.site.name!r} takes no multiplier, got {trial.multiplier:g}")
        return None
    if trial.multiplier is not None:
        return trial.multiplier
    own: float | None = getattr(setting.site, "multiplier", None)
    return model.family_multiplier if own is None else own


def _strength(intervention: Intervention, steering: Steering, chosen: Direction) -> dict[str, float] | None:
    """The length of what is added, in all three units, so that models can be compared."""
    if intervention.strength is None:
        return None
    length, layer = intervention.strength, intervention.strength_layer
    measure = chosen if layer is None else steering.directions.at(layer, steering.position)
    raw_norm = measure.raw_norm if intervention.raw_norm is None else intervention.raw_norm
    stream = steering.residual_norms[measure.layer]
    return {"absolute": length, "residual": length / stream, "raw": length / raw_norm}


def _condition(condition: Condition | None) -> dict[str, Any] | None:
    """Which prompts are edited, and what the site has to say of that."""
    if condition is None:
        return None
    names = ("layer", "position", "module", "threshold", "when")
    return {name: getattr(condition, name) for name in names} | dict(condition.facts)


def _identity(model: CellModel, setting: Setting, prompts: NamedPrompts, seed: int) -> dict[str, Any]:
    generation = attrs.asdict(setting.generation)
    del generation["batch_size"]  # it decides how fast, not what
    del generation["full_texts"]  # a cell that ends early says so itself
    del generation["repeats"]  # the prompts stand there as often
    if setting.generation.temperature > 0:
        generation["seed"] = seed
    return {
        "model": dict(model.identity),
        "generation": generation,
        "prompts": prompts_fingerprint(prompts.prompts),
    }


def _facts(model: CellModel, setting: Setting, role: CellRole, prompts: NamedPrompts) -> dict[str, Any]:
    steered = role != "baseline"
    parts = ("extractor", "site", "classifier", "generation") if steered else ("classifier", "generation")
    return {
        "model": model.id,
        "quantization": model.quantization,
        "dtype": model.identity["dtype"],
        "prompts": prompts.name,
        "classifier": setting.classifier.name,
        "extractor": setting.extractor.name if steered else None,
        "source": ("unquantized" if setting.carried else "self") if steered else None,
        "selector": setting.selector.name if steered else None,
        "site": setting.site.name if steered else None,
        "role": role,
        "control": None,
        "options": {part: _options(setting, part) for part in parts},
    }


def _options(setting: Setting, part: str) -> dict[str, Any]:
    """The options of a component or table as they were resolved; the batch size is none of a result's."""
    options = attrs.asdict(getattr(setting, part))
    options.pop("batch_size", None)
    return options
