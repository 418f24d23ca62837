"""A cell of a run, made again from what the run has kept: its directions, and what it adds where."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import NoReturn, cast

from attrs import fields, frozen

from steerkit_core.components import ModelRecord, Site
from steerkit_core.errors import SteerkitError, StoreError
from steerkit_core.files.directions import facts_of
from steerkit_core.files.tensors import read_header
from steerkit_core.results.cells import CellResult, Strength
from steerkit_core.results.converter import unstructured
from steerkit_core.results.directions import KeptDirections, kept_directions
from steerkit_core.results.files import DIRECTIONS
from steerkit_core.results.run import KeptRun
from steerkit_core.values import ClassActivations, DirectionSet, Intervention, Steering, prompt_part

SAME_LENGTH = 1e-6


class ClassesUnknown(SteerkitError):
    """A site asks for the activations of the contrast set, which a run does not keep."""


def _no_classes() -> NoReturn:
    raise ClassesUnknown("the activations of the contrast set are not kept in a run")


@frozen(eq=False)
class SteeredCell:
    """A steered cell: its entry in `results.json`, and the directions that it was steered with."""

    folder: Path
    entry: CellResult
    kept: KeptDirections

    @property
    def where(self) -> str:
        """How messages call it."""
        return f"cell {self.entry.id} of {self.folder}"

    @property
    def layer(self) -> int:
        """The block that it is steered at."""
        return cast("int", self.entry.layer)

    @property
    def position(self) -> int:
        """Which token of the prompt its direction was read at, from the end."""
        return cast("int", self.entry.position)

    @property
    def num_layers(self) -> int:
        """How many blocks the model has."""
        return len(self.kept.layers)

    @cached_property
    def directions(self) -> DirectionSet:
        """The directions of its extraction, at every position and layer."""
        return self.kept.directions()

    @cached_property
    def residual_norms(self) -> tuple[float, ...]:
        """Mean length of each block's output over the tokens that its site edits, as was measured."""
        tokens = self.entry.options.get("site", {}).get("tokens")
        return self.kept.residual_norms(prompt_part(tokens))

    def steering(
        self,
        layer: int,
        multiplier: float | None,
        classes: Callable[[], ClassActivations] = _no_classes,
        num_heads: int = 1,
    ) -> Steering:
        """What its site builds edits from, at the cell's position.

        Raises:
            StoreError: the directions cannot be read.
        """
        return Steering(
            directions=self.directions,
            layer=layer,
            position=self.position,
            multiplier=0.0 if multiplier is None else multiplier,
            num_layers=self.num_layers,
            residual_norms=self.residual_norms,
            num_heads=num_heads,
            classes=classes,
        )

    def intervention(self, site: Site) -> Intervention:
        """The edits of the cell, as its site builds them.

        Raises:
            ClassesUnknown: the site needs more than the run has kept.
            StoreError: they are not as long as the run says.
        """
        found = site.intervene(self.steering(self.layer, self.entry.multiplier))
        noted = self.entry.absolute
        if found.strength is None and self.entry.multiplier is None:
            return found  # what the run notes of it was measured, and is not asked for by the site
        if noted is not None and not math.isclose(found.strength or 0.0, noted, rel_tol=SAME_LENGTH):
            raise StoreError(
                f"{self.where}: what site {self.entry.site!r} adds now is {found.strength} long, and was"
                f" {noted}: the run was changed, or made with another version of the site"
            )
        return found


@frozen(kw_only=True)
class SavedCell:
    """What a file of directions says of the cell that it was exported for."""

    id: str
    layer: int
    position: int
    site: str | None
    multiplier: float | None
    strength: Strength | None


def steered_cell(run: KeptRun, name: str | None = None) -> SteeredCell:
    """A cell of a run by the beginning of its id, by default the selected one.

    Raises:
        StoreError: there is no such cell, none was selected, or it is not steered with directions that the
            run has kept.
    """
    folder, selected = run.folder, run.results.selected
    if name is None and selected is None:
        raise StoreError(f"{folder}: no cell was selected, name one with --cell")
    entry = run.cell(name or str(selected))
    key = entry.extraction
    if entry.role == "baseline":
        reason = "is a baseline"
    elif entry.role == "control":
        reason = f"is the control {entry.control!r}, whose direction is not kept"
    elif key is None:
        reason = f"came to no direction ({entry.failure})"
    else:
        path = folder / DIRECTIONS
        if not path.is_file() or key not in facts_of(read_header(path)[0], path):
            raise StoreError(
                f"{path}: no directions {key}, which cell {entry.id} was steered with: the run is"
                " incomplete; its command makes what is missing"
            )
        return SteeredCell(folder, entry, kept_directions(str(folder), key))
    remedy = "name a steered one with --cell" + ("" if selected is None else f" (selected: {selected})")
    raise StoreError(f"{folder}: cell {entry.id} {reason}: {remedy}")


def save_directions(cell: SteeredCell, path: Path) -> DirectionSet:
    """Write all directions of a cell's extraction, at every position and layer, and what is known of them.

    Raises:
        StoreError: the file cannot be written.
    """
    own, entry = cell.kept, cell.entry
    found = DirectionSet.load(cell.folder / DIRECTIONS, own.key)
    facts = {
        **own.facts,
        "record": {one.name: getattr(own.model, one.name) for one in fields(ModelRecord)},
        "cell": unstructured(
            SavedCell(
                id=entry.id,
                layer=cell.layer,
                position=cell.position,
                site=entry.site,
                multiplier=entry.multiplier,
                strength=entry.strength,
            )
        ),
    }
    found.save(path, facts=facts)
    return found
