"""Steer once more as a cell of a run did: with its model, directions and site, but other prompts."""

from __future__ import annotations

import math
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
from attrs import define, evolve

from steerkit_core.components import Site
from steerkit_core.components.model_spec import ModelSpec
from steerkit_core.errors import RecipeError, SteerkitError, StoreError
from steerkit_core.model.loaded_models import LoadedModels
from steerkit_core.plugin.registry import Registry
from steerkit_core.recipe.lookup import kept, kept_site
from steerkit_core.recipe.options import GenerationOptions
from steerkit_core.recipe.parsing import parse_recipe
from steerkit_core.recipe.prompts import fingerprint as prompts_fingerprint
from steerkit_core.results.cell import SteeredCell, steered_cell
from steerkit_core.results.cells import CellResult
from steerkit_core.results.converter import unstructured
from steerkit_core.results.files import RECIPE
from steerkit_core.results.manifest import ModelFacts
from steerkit_core.results.run import KeptRun
from steerkit_core.values import ClassActivations, Intervention

if TYPE_CHECKING:
    from steerkit_core.model.handle import ModelHandle


@define(eq=False, slots=False)
class Resteering:
    """A steered cell of a run, with all that is needed to steer by it; the model is loaded when asked for.

    `spec` is the run's model at the revision and in the type that it was loaded in.
    """

    run: KeptRun
    cell: SteeredCell
    registry: Registry
    spec: ModelSpec
    site: Site

    @classmethod
    def of(
        cls, run: KeptRun, registry: Registry, cell: str | None = None, device: str | None = None
    ) -> Resteering:
        """The cell whose id begins so, by default the selected one.

        Raises:
            StoreError: there is no such cell, it steers nothing or is a control, or what it needs is not
                kept.
            SteerkitError: its site is not installed.
        """
        chosen = steered_cell(run, cell)
        spec = _spec(run, chosen.entry)
        spec = spec if device is None else evolve(spec, device=device)
        entry = chosen.entry
        site = kept_site(str(entry.site), entry.options["site"], registry, str(run.folder))
        return cls(run, chosen, registry, spec, site)

    @cached_property
    def model(self) -> ModelHandle:
        """The model, loaded as the run did."""
        return LoadedModels(self.registry).load(self.spec)

    @property
    def changed(self) -> str | None:
        """What is not as it was in the run, if the model is another by its content."""
        was = _loaded(self.run, self.cell.entry).fingerprint
        if was in ("", self.model.fingerprint):
            return None
        return f"{self.spec.id} is not what it was in the run (other weights, tokenizer or template)"

    @property
    def layers(self) -> tuple[int, ...]:
        """The layers that there are directions of."""
        return self.cell.directions.layers

    @property
    def generation(self) -> GenerationOptions:
        """How the cell's texts were written."""
        known = attrs.fields_dict(GenerationOptions)
        options = self.cell.entry.options["generation"]
        found = {name: value for name, value in options.items() if name in known and name != "repeats"}
        return kept(GenerationOptions, found, f"{self.run.folder}: generation")

    def intervention(self, layer: int, multiplier: float | None) -> Intervention:
        """What the cell's site does at a layer with a multiplier.

        Raises:
            SteerkitError: there is no usable direction at this layer, the multiplier is not finite, or the
                site takes none.
        """
        if layer not in self.layers:
            raise SteerkitError(
                f"the run keeps no direction at layer {layer} (kept: {_ranges(self.layers)})"
            )
        if multiplier is not None and not math.isfinite(multiplier):
            raise SteerkitError(f"multiplier: expected a finite number, got {multiplier:g}")
        if multiplier is not None and not self.site.takes_multiplier:
            raise SteerkitError(f"site {self.site.name!r} takes no multiplier, got {multiplier:g}")
        heads = getattr(self.model.config, "num_attention_heads", 1)
        found = self.site.intervene(self.cell.steering(layer, multiplier, self._classes, heads))
        self.model.check(found)
        return found

    def _classes(self) -> ClassActivations:
        """The contrast set's activations, from the prompts that the run's recipe names.

        Raises:
            SteerkitError: the prompts are not to be had any more, or are others.
        """
        text = (self.run.folder / RECIPE).read_text(encoding="utf-8")
        source = Path(self.run.manifest.recipe)
        wanted = self.cell.kept.contrast
        why = f"site {self.site.name!r} needs the contrast set that the directions were found with"
        try:
            recipe = parse_recipe(text, self.registry, source=str(source), folder=source.parent)
        except RecipeError as error:
            raise SteerkitError(f"{why}, and it cannot be read any more: {error}") from None
        for setting in recipe.settings:
            contrast = setting.contrast
            found = (prompts_fingerprint(contrast.positive), prompts_fingerprint(contrast.negative))
            if found == wanted:
                directions = self.cell.directions
                return self.model.class_activations(contrast, directions.positions, directions.module)
        raise SteerkitError(f"{why}, and its prompts are others now")


def _loaded(run: KeptRun, cell: CellResult) -> ModelFacts:
    """What the manifest says of the model that a cell was made with."""
    for model in run.manifest.models:
        same = (model.id, model.quantization) == (cell.model, cell.quantization)
        if same and cell.dtype in ("", model.dtype):
            return model
    raise StoreError(
        f"{run.folder}: the manifest has no model {cell.model} ({cell.quantization}), which cell {cell.id}"
        " was made with: edited by hand"
    )


def _spec(run: KeptRun, cell: CellResult) -> ModelSpec:
    """The model as the run's configurations name it, at the revision and in the type that it came to."""
    loaded = _loaded(run, cell)
    for setting in run.manifest.settings:
        own = setting.model
        if (own.id, own.quantization) == (cell.model, cell.quantization):
            found = {"dtype": loaded.dtype}
            found |= {"revision": loaded.revision} if loaded.revision else {}
            return kept(ModelSpec, unstructured(own) | found, f"{run.folder}: model")
    raise StoreError(
        f"{run.folder}: no configuration of the manifest has the model {cell.model}: edited by hand"
    )


def _ranges(layers: tuple[int, ...]) -> str:
    if layers == tuple(range(layers[0], layers[-1] + 1)):
        return f"{layers[0]} to {layers[-1]}"
    return ", ".join(map(str, layers))
