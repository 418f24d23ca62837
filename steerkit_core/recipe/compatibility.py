"""Does a model exist, and do a recipe's components fit it: all that can be said before it is loaded."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any, cast

import attrs
from attrs import evolve

from steerkit_core.components import Extractor, LayerSelector, ReadingExtractor, Site
from steerkit_core.components.model_spec import ModelSpec
from steerkit_core.errors import SteerkitError
from steerkit_core.plugin.registry import Registry
from steerkit_core.recipe.model_files import FolderFacts, inspect_folder, locate
from steerkit_core.recipe.options import CalibrationOptions
from steerkit_core.values import BlockModule, Trial


def locate_model(spec: ModelSpec, registry: Registry) -> Path | None:
    """The folder that a model id stands for; None for a hub repository.

    Raises:
        ModelError: the id stands for nothing.
    """
    answer = registry.host.first("steerkit_locate_model", id=spec.id)
    return locate(spec.id, None if answer is None else Path(answer))


def find_model(spec: ModelSpec, registry: Registry) -> tuple[Path | None, FolderFacts | None]:
    """A model's folder and what it says about itself; None and None for one that is on the hub.

    Raises:
        ModelError: there is no such model, or its folder holds none that could be loaded.
    """
    folder = locate_model(spec, registry)
    if folder is None:
        return None, None
    return folder, inspect_folder(folder, trust_remote_code=spec.trust_remote_code)


def trials_of(
    selector: LayerSelector, extractor: Extractor, site: Site, num_layers: int
) -> tuple[Trial, ...]:
    """The trials that a selector is sure to ask for.

    Raises:
        SteerkitError: it may ask for a layer that is not there, or a multiplier where the site has none.
    """
    for trial in selector.candidates(num_layers, extractor.positions):
        check_layer(trial.layer, num_layers)
        if trial.multiplier is not None and not site.takes_multiplier:
            raise SteerkitError(
                f"selector {selector.name!r} tries multipliers, but site {site.name!r} takes none"
            )
    return selector.trials(num_layers, extractor.positions)


def check_remote(spec: ModelSpec, folder: Path | None) -> None:
    """Raise `SteerkitError` where a remote model is asked for what only a local one can give."""
    if not spec.remote:
        return
    if spec.backend == "hooks":
        raise SteerkitError("a remote model is reached through nnsight, got model.backend 'hooks'")
    if folder is not None:
        raise SteerkitError(f"NDIF serves repositories of the hub, got the folder {str(folder)!r}")
    if spec.quantization != "none":
        raise SteerkitError(
            "how a remote model is kept is the server's choice, got model.quantization"
            f" {spec.quantization!r}"
        )


def reading_what_is_edited(extractor: Extractor, site: Site, given: Collection[str]) -> Extractor:
    """The extractor; where none of its `given` options says what it reads, it reads what the site edits."""
    if "module" in given or not isinstance(extractor, ReadingExtractor):
        return extractor
    return extractor if same_place(extractor.module, site.module) else evolve(extractor, module=site.module)


def check_modules(extractor: Extractor, site: Site) -> None:
    """Raise `SteerkitError` where a site edits something else than what the extractor reads."""
    if not same_place(extractor.module, site.module):
        raise SteerkitError(
            f"site {site.name!r} edits {site.module}, but extractor {extractor.name!r} reads"
            f" {extractor.module}: set extractor.module to {site.module!r} if it has that option"
        )


def same_place(one: BlockModule, other: BlockModule) -> bool:
    """Whether directions of one module are used in the other."""
    stream = {"input": "residual"}  # what a block is given and what it gives is one stream
    return stream.get(one, one) == stream.get(other, other)


def check_calibration(calibration: CalibrationOptions, selector: LayerSelector, site: Site) -> None:
    """Raise `SteerkitError` where a strength is given that is to be found, or none can be found."""
    if calibration.use == "none":
        return
    if not site.takes_multiplier:
        raise SteerkitError(f"site {site.name!r} takes no multiplier that could be searched")
    given: float | None = getattr(site, "multiplier", None)
    # a site's own default is nobody's wish
    defaults = {one.name: one.default for one in attrs.fields(cast("Any", type(site)))}
    if given is not None and given != defaults.get("multiplier"):
        raise SteerkitError(
            f"site.multiplier is {given:g}, but {calibration.use!r} searches it: leave it out, or set"
            " calibration.use to 'none'"
        )
    targets: tuple[float, ...] = getattr(selector, "multipliers", ())
    for target in targets:
        if target <= 0.0:
            raise SteerkitError(
                f"under {calibration.use!r} the selector's multipliers are targets in nats, expected"
                f" numbers above 0, got {target:g}"
            )


def check_fit(selector: LayerSelector, extractor: Extractor, site: Site, num_layers: int) -> None:
    """Raise `SteerkitError` where a selector and a model of `num_layers` blocks do not go together."""
    selector.check(num_layers)
    trials_of(selector, extractor, site, num_layers)


def check_layer(layer: int, num_layers: int) -> None:
    """Raise `SteerkitError` for a layer outside the model's `num_layers`."""
    if not 0 <= layer < num_layers:
        raise SteerkitError(f"the model has layers 0 to {num_layers - 1}, got layer {layer}")
