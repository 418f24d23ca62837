"""A cell: one intervention on one set of prompts, named by a hash of everything that determines it.

Cells that differ in nothing but their classifier have the same completions; `source` is what they share.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import attrs
from attrs import evolve, frozen

from steerkit_core.errors import SteerkitError
from steerkit_core.files.fingerprints import fingerprint
from steerkit_core.recipe.prompts import fingerprint as prompts_fingerprint
from steerkit_core.recipe.recipe import NamedPrompts, Setting
from steerkit_core.results.cells import BegunCell, CellCalibration, CellDirection, CellFacts, Origin
from steerkit_core.steering.cell_columns import (
    CellModel,
    condition_of,
    setting_facts,
    strength_of,
)
from steerkit_core.steering.controls import Control, same_effect
from steerkit_core.values import ClassActivations, DirectionSet, Intervention, Steering, Trial


@frozen
class Reading:
    """What a classifier wants of every text: tokens to be watched at its first, and where it may end."""

    watch: tuple[int, ...] = ()
    enough: int | None = None

    @property
    def identity(self) -> dict[str, object]:
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
    facts: CellFacts
    ends_early: bool = False
    reading: Reading = PLAIN

    @property
    def begun(self) -> BegunCell:
        """What is kept of it as soon as it is begun; the rest comes with its results."""
        own = self.facts
        return BegunCell(
            id=self.id,
            model=own.model,
            quantization=own.quantization,
            role=own.role,
            control=own.control,
            extractor=own.extractor,
            site=own.site,
            prompts=own.prompts,
            classifier=own.classifier,
            layer=own.layer,
            multiplier=own.multiplier,
            prompts_total=len(self.prompts.prompts),
        )


@frozen(eq=False)
class Source:
    """What a steered cell is made from; `identity` names directions and site, `judge` the classifier.

    `classes` reads the contrast set's activations, for a site that asks. `origin` is where the directions
    come from, if not from the model that is steered.
    """

    directions: DirectionSet
    residual_norms: tuple[float, ...]
    identity: Mapping[str, object]
    judge: Mapping[str, object]
    classes: Callable[[], ClassActivations]
    origin: Origin | None = None


def baseline_cell(
    model: CellModel, setting: Setting, judge: Mapping[str, object], seed: int, reading: Reading = PLAIN
) -> Cell:
    """The baseline on the evaluation prompts; `judge` identifies the classifier."""
    identity = _identity(model, setting, setting.evaluation, seed) | {"steering": None} | reading.identity
    facts = setting_facts(model, setting, "baseline", setting.evaluation)
    cell = _cell(identity, judge, setting, setting.evaluation, Intervention(), facts)
    return evolve(cell, reading=reading)


def _cell(
    identity: Mapping[str, object],
    judge: Mapping[str, object],
    setting: Setting,
    prompts: NamedPrompts,
    intervention: Intervention,
    facts: CellFacts,
) -> Cell:
    # the letter keeps a table reader from taking an id of digits, perhaps with one e, for a number
    own = f"c{fingerprint({**identity, 'judge': dict(judge)})[:11]}"
    return Cell(own, fingerprint(identity), setting, prompts, intervention, evolve(facts, id=own))


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
    calibration: CellCalibration | None = None,
) -> Cell:
    """The cell that steers as `trial` says.

    The multiplier is the trial's, else the site's, else the family's; sites without one leave it out.
    `calibration` says how the trial's was found, if it was.

    Raises:
        SteerkitError: there is no usable direction at the trial's layer and position.
    """
    multiplier = _multiplier(model, setting, trial)
    steering = steering_of(model, setting, trial, source, multiplier)
    direction = steering.direction
    intervention = setting.site.intervene(steering)
    place = {"layer": trial.layer, "position": trial.position, "multiplier": multiplier}
    identity = _identity(model, setting, prompts, seed) | {"steering": dict(source.identity) | place}
    if ends_early:
        identity["ends_early"] = True
    identity |= reading.identity
    facts = evolve(
        setting_facts(model, setting, "steered", prompts),
        layer=trial.layer,
        position=trial.position,
        multiplier=multiplier,
        depth=round(trial.layer / model.num_layers, 4),
        unit=None if multiplier is None else getattr(setting.site, "unit", None),
        strength=strength_of(intervention, steering, direction),
        direction=CellDirection(raw_norm=direction.raw_norm),
        condition=condition_of(intervention.condition),
        calibration=calibration,
        extraction=str(source.identity["extraction"]),
        origin=source.origin,
    )
    if source.origin is not None:
        facts = evolve(facts, source=source.origin.words)
    cell = _cell(identity, source.judge, setting, prompts, intervention, facts)
    return evolve(cell, ends_early=ends_early, reading=reading)


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
        model: the configuration's model.
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
    multiplier = cell.facts.multiplier
    steering = _steering(model, trial, source, control.directions, multiplier)
    own = setting.site.intervene(steering)
    intervention = evolve(own, condition=cell.intervention.condition)
    if same_effect(cell.intervention, intervention):
        return None
    place = {"layer": trial.layer, "position": trial.position, "multiplier": multiplier}
    steered = dict(source.identity) | place | {"control": dict(control.identity)}
    identity = _identity(model, setting, prompts, seed) | {"steering": steered} | cell.reading.identity
    direction = steering.direction
    chosen = source.directions.at(trial.layer, trial.position)
    facts = evolve(
        cell.facts,
        role="control",
        control=control.name,
        strength=strength_of(intervention, steering, direction),
        direction=CellDirection(
            raw_norm=direction.raw_norm, cosine=float(direction.unit.double() @ chosen.unit.double())
        ),
        extraction=control.extraction,
    )
    made = _cell(identity, source.judge, setting, prompts, intervention, facts)
    return evolve(made, reading=cell.reading)


def steering_of(
    model: CellModel, setting: Setting, trial: Trial, source: Source, multiplier: float | None
) -> Steering:
    """What the site is given to steer at the trial's layer and position with some multiplier.

    Raises:
        SteerkitError: there is no usable direction there.
    """
    steering = _steering(model, trial, source, source.directions, multiplier)
    try:
        steering.direction  # noqa: B018  # reason: it is looked up
    except KeyError:
        raise SteerkitError(
            f"extractor {setting.extractor.name!r} has no direction at layer {trial.layer}, position"
            f" {trial.position} (positions: {', '.join(map(str, source.directions.positions))})"
        ) from None
    return steering


def _steering(
    model: CellModel, trial: Trial, source: Source, directions: DirectionSet, multiplier: float | None
) -> Steering:
    return Steering(
        directions=directions,
        layer=trial.layer,
        position=trial.position,
        multiplier=0.0 if multiplier is None else multiplier,
        num_layers=model.num_layers,
        residual_norms=source.residual_norms,
        num_heads=model.num_heads,
        classes=source.classes,
    )


def failed_cell(
    model: CellModel,
    setting: Setting,
    steering: Mapping[str, object],
    judge: Mapping[str, object],
    seed: int,
) -> Cell:
    """The cell of a configuration that came to no direction; every row of it is a failure.

    Args:
        model: the configuration's model.
        setting: what was asked for.
        steering: what was tried, and why it failed.
        judge: identifies the classifier.
        seed: the run's.
    """
    identity = _identity(model, setting, setting.evaluation, seed) | {"steering": dict(steering)}
    facts = setting_facts(model, setting, "steered", setting.evaluation)
    return _cell(identity, judge, setting, setting.evaluation, Intervention(), facts)


def _multiplier(model: CellModel, setting: Setting, trial: Trial) -> float | None:
    if not setting.site.takes_multiplier:
        if trial.multiplier is not None:
            raise SteerkitError(f"site {setting.site.name!r} takes no multiplier, got {trial.multiplier:g}")
        return None
    if trial.multiplier is not None:
        return trial.multiplier
    own: float | None = getattr(setting.site, "multiplier", None)
    return model.family_multiplier if own is None else own


def _identity(model: CellModel, setting: Setting, prompts: NamedPrompts, seed: int) -> dict[str, object]:
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
