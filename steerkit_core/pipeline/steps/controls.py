"""The controls of a chosen cell: the same steering along random, shuffled and flipped directions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from attrs import define, evolve, field

from steerkit_core.errors import SteerkitError
from steerkit_core.pipeline.steps.cells import GroupCells
from steerkit_core.pipeline.steps.extract import Extractions
from steerkit_core.pipeline.steps.group import LoadedGroup
from steerkit_core.pipeline.steps.under_way import UnderWay
from steerkit_core.results.cells import CellResult
from steerkit_core.steering.cells import Cell, control_cell
from steerkit_core.steering.controls import Control, flipped, random_directions, with_lengths
from steerkit_core.values import Trial


@define(eq=False)
class GroupControls:
    """Makes the controls of a group's chosen cells; `left_out` says which could not be made, and why."""

    loaded: LoadedGroup
    extractions: Extractions
    cells: GroupCells
    left_out: dict[str, dict[str, None]] = field(factory=dict)

    def of(self, way: UnderWay, trial: Trial, final: Cell) -> list[Cell]:
        """The controls of the cell that a configuration has chosen, made from `trial`."""
        setting = way.setting
        found: list[Cell] = []
        if not setting.controls.number:
            return found
        left_out = self.left_out.setdefault(final.id, {})
        source = self.cells.source(way)
        loaded = self.loaded
        for name, make in self._makers(way, trial):
            try:
                control = make()
                with loaded.blamed("site", setting.site):
                    cell = control_cell(loaded.cell_model, final, trial, source, control, loaded.seed)
            except SteerkitError as error:
                left_out[f"{name}: {error}"] = None
                continue
            if cell is None:
                left_out[f"{name}: it does what the chosen cell does"] = None
            else:
                loaded.model.check(cell.intervention)
                found.append(self.cells.rows.add(self.cells.with_strength(cell, setting, source)))
        return found

    def note_failed(self, compared: Sequence[tuple[Cell, Cell]], results: Mapping[str, CellResult]) -> None:
        """Keep for every chosen cell which of its controls failed, and why."""
        for cell, reference in compared:
            found = results[reference.id]
            if found.control is not None and found.failure:
                self.left_out[cell.id][f"{found.control}: {found.failure}"] = None

    def _makers(self, way: UnderWay, trial: Trial) -> Iterator[tuple[str, Callable[[], Control]]]:
        setting, extraction = way.setting, way.extraction
        directions, key, seed = extraction.directions, extraction.key, self.loaded.seed
        heads = self.loaded.cell_model.num_heads if directions.module == "heads" else 1

        def drawn(name: str, index: int) -> Control:
            made = random_directions(directions, seed, index, heads)
            return Control(name, made, {"kind": "random", "seed": seed, "index": index}, key)

        def shuffled(name: str, index: int) -> Control:
            other = self.extractions.shuffled(setting, index, extraction)
            if other is None and (extraction.identity.origin or {}).get("run"):
                raise SteerkitError("directions of a run or a file do not depend on these labels")
            if other is None:
                raise SteerkitError(
                    "labels cannot be shuffled where a class of the contrast set has one prompt"
                )
            other.directions.at(trial.layer, trial.position)  # one without a length cannot be scaled
            made = evolve(
                with_lengths(other.directions.units, directions, heads), axes=other.directions.axes
            )
            return Control(name, made, {"kind": "shuffled", "extraction": other.key}, other.key)

        for index in range(1, setting.controls.random + 1):
            yield f"random-{index}", partial(drawn, f"random-{index}", index)
        for index in range(1, setting.controls.shuffled + 1):
            yield f"shuffled-{index}", partial(shuffled, f"shuffled-{index}", index)
        if setting.controls.flipped:
            yield "flipped", lambda: Control("flipped", flipped(directions), {"kind": "flipped"}, key)
