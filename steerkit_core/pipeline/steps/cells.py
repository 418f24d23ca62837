"""The cells that a group's settings ask for, with their strengths searched where the recipe wants that."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

from attrs import evolve, frozen

from steerkit_core.errors import NumericError
from steerkit_core.extraction.extraction import origin_of
from steerkit_core.pipeline.steps.extract import Extractions
from steerkit_core.pipeline.steps.group import LoadedGroup
from steerkit_core.pipeline.steps.steer import Rows
from steerkit_core.pipeline.steps.under_way import UnderWay
from steerkit_core.recipe.recipe import NamedPrompts, Setting
from steerkit_core.results.cells import CellCalibration, Strength
from steerkit_core.results.rows import CalibrationRow
from steerkit_core.steering.calibration import Search
from steerkit_core.steering.cells import (
    PLAIN,
    Cell,
    Reading,
    Source,
    baseline_cell,
    failed_cell,
    steered_cell,
)
from steerkit_core.values import Trial, prompt_part


@frozen(eq=False)
class GroupCells:
    """Makes the cells of a group's settings."""

    loaded: LoadedGroup
    extractions: Extractions
    rows: Rows

    def baseline(self, setting: Setting) -> Cell:
        """The baseline on the evaluation prompts."""
        judge, reading = self.loaded.judges.identity(setting.classifier), self._reading(setting)
        return self.rows.add(
            baseline_cell(self.loaded.cell_model, setting, judge, self.loaded.seed, reading)
        )

    def steered(
        self,
        way: UnderWay,
        prompts: NamedPrompts,
        trial: Trial,
        *,
        tried: bool = False,
    ) -> Cell:
        """The cell that steers `prompts` as `trial` says; `tried` where a selector wants to see it.

        What is only tried ends a text as soon as its verdict is settled, unless the recipe asks for full
        texts or has several judges, who would then not see the same ones.
        """
        setting, model = way.setting, self.loaded.model
        ends_early = tried and self.loaded.one_judge and not setting.generation.full_texts
        source = self.source(way)
        (calibration,) = self.calibrate(way, [trial])
        if calibration is not None:
            trial = evolve(trial, multiplier=calibration.multiplier)
        with self.loaded.blamed("site", setting.site):
            cell = steered_cell(
                self.loaded.cell_model,
                setting,
                prompts,
                trial,
                source,
                self.loaded.seed,
                ends_early=ends_early,
                reading=self._reading(setting),
                calibration=_calibration(calibration),
            )
        model.check(cell.intervention)
        cell = self.with_strength(cell, setting, source)
        if cell.intervention.condition is not None:
            # of all prompts at once: a resumed run would otherwise read them in other batches
            model.meets(prompts.prompts, cell.intervention.condition)
        return self.rows.add(cell)

    def with_strength(self, cell: Cell, setting: Setting, source: Source) -> Cell:
        """The cell with a strength that is measured, where its site has no length to ask for."""
        facts, layer = cell.facts, cell.facts.layer
        if facts.strength is not None or layer is None:
            return cell

        from steerkit_core.model.measuring import mean_change

        change = mean_change(self.loaded.model, setting.contrast.negative, cell.intervention, layer)
        if change is None or not math.isfinite(change):
            return cell
        raw_norm = cell.intervention.raw_norm or (facts.direction and facts.direction.raw_norm) or math.nan
        stream = source.residual_norms[layer]
        strength = Strength(absolute=change, residual=change / stream, raw=change / raw_norm)
        return evolve(cell, facts=evolve(facts, strength=strength))

    def failed(self, setting: Setting, error: NumericError) -> Cell:
        """The cell of a configuration that came to no direction, with a failed row for every prompt."""
        parts = {word: self.loaded.identity(word, getattr(setting, word)) for word in ("extractor", "site")}
        judge = self.loaded.judges.identity(setting.classifier)
        steering = {**parts, "error": str(error)}
        cell = failed_cell(self.loaded.cell_model, setting, steering, judge, self.loaded.seed)
        cell = self.rows.add(cell)
        self.rows.fail(cell, str(error))
        return cell

    def calibrate(self, way: UnderWay, trials: Sequence[Trial]) -> Sequence[CalibrationRow | None]:
        """The strengths that the recipe has searched, for all trials at once; None where it has none.

        A multiplier of a trial is then the target, as a KL divergence in nats.

        Raises:
            SteerkitError: a target cannot be reached.
        """
        setting, loaded = way.setting, self.loaded
        options = setting.calibration
        if options.use == "none":
            return [None] * len(trials)
        source = self.source(way)
        search = Search(loaded.model, loaded.cell_model, loaded.store, setting, source)
        if missing := search.missing(trials):
            loaded.progress.step(f"calibrating: {options.use}, {len(missing)} strengths")
            with loaded.blamed("site", setting.site):
                search.run(missing)
        return search.known(trials)

    def source(self, way: UnderWay) -> Source:
        """What a configuration's steered cells and their controls are made from."""
        setting, extraction = way.setting, way.extraction
        identity = {"extraction": extraction.key, "site": self.loaded.identity("site", setting.site)}
        judge = self.loaded.judges.identity(setting.classifier)
        return Source(
            extraction.directions,
            extraction.stream.norms(prompt_part(getattr(setting.site, "tokens", None))),
            identity,
            judge,
            partial(self.extractions.read_classes, setting, extraction),
            origin_of(extraction),
        )

    def _reading(self, setting: Setting) -> Reading:
        """What the configuration's judge wants of every text."""
        classifier = setting.classifier
        if classifier.watched is None and classifier.enough_tokens is None:
            return PLAIN
        with self.loaded.blamed("classifier", classifier):
            watch = (
                () if classifier.watched is None else self.loaded.model.refusal_tokens(classifier.watched)
            )
        return Reading(watch, None if setting.generation.full_texts else classifier.enough_tokens)


def _calibration(row: CalibrationRow | None) -> CellCalibration | None:
    """How a cell's multiplier was found."""
    if row is None:
        return None
    return CellCalibration(use=row.use, target=row.target, achieved=row.achieved, tokens=row.tokens)
