"""From directions and a site to a model that is steered in place."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any, cast

import torch
from attrs import frozen

from steerkit_core.errors import ModelError, SteerkitError
from steerkit_core.model.activations import class_activations
from steerkit_core.model.in_place.steered import Steered, compiled
from steerkit_core.plugin.registry import Registry
from steerkit_core.recipe.compatibility import check_layer, same_place
from steerkit_core.recipe.lookup import component, contrast_given
from steerkit_core.values import ClassActivations, Direction, DirectionSet, Intervention, Steering

if TYPE_CHECKING:
    from steerkit_core.components import Site
    from steerkit_core.model.engine import Engine


@frozen(eq=False)
class Wanted:
    """Where to steer with which directions, and how strongly."""

    directions: DirectionSet
    layer: int
    position: int
    multiplier: float | None


def steer(
    model: Engine,
    given: object,
    multiplier: float | None,
    *,
    site: object,
    place: Mapping[str, int | None],
    contrast: object,
    options: Mapping[str, object],
) -> Steered:
    """See `ModelHandle.steer`; `place` has `layer` and `position`."""
    if model.spec.remote:
        raise ModelError(
            f"{model.spec.id} is on a server: only a model that is loaded here is steered in place"
        )
    registry = Registry.collect()
    built = cast("Site", component(registry, "site", site, options))
    strength = _multiplier(model, built, multiplier)
    classes = None if contrast is None else contrast_given(contrast, registry)
    found = []
    for directions, layer, position in _each(given, place):
        wanted = Wanted(directions, layer, position, strength)
        _check(model, built, wanted)

        def read(kept: DirectionSet = directions) -> ClassActivations:
            if classes is None:
                raise SteerkitError(
                    f"site {built.name!r} needs the activations of the contrast set: pass contrast= too"
                )
            return class_activations(model, classes, kept.positions, kept.module)

        found.append(_intervention(model, built, wanted, read))
    return Steered(model, tuple(found))


def _intervention(
    model: Engine, site: Site, wanted: Wanted, read: Callable[[], ClassActivations]
) -> Intervention:
    norms = [math.nan] * model.num_layers
    for layer, norm in zip(wanted.directions.layers, wanted.directions.residual_norms, strict=False):
        norms[layer] = norm
    steering = Steering(
        directions=wanted.directions,
        layer=wanted.layer,
        position=wanted.position,
        multiplier=wanted.multiplier,
        num_layers=model.num_layers,
        residual_norms=tuple(norms) if wanted.directions.residual_norms else (),
        num_heads=getattr(model.config, "num_attention_heads", 1),
        classes=read,
    )
    made = site.intervene(steering)
    if made.condition is not None:
        raise SteerkitError(
            f"site {site.name!r} decides prompt by prompt, before anything is edited, which only a run"
            " does: name it in a recipe"
        )
    model.check(made)
    # what has no form in which it could be applied is refused here and not in the middle of a text
    compiled(model, made, "prompt", model.device, model.stream_dtype)
    return made


def _each(given: object, place: Mapping[str, int | None]) -> list[tuple[DirectionSet, int, int]]:
    """What is given, direction by direction, each with its layer and position."""
    if isinstance(given, DirectionSet):
        layer, position = place["layer"], place["position"]
        if layer is None:
            raise SteerkitError(
                "steer: which layer? pass directions.at(layer=...), or layer= beside the directions"
            )
        return [(given, layer, given.at(layer, position).position)]
    if any(value is not None for value in place.values()):
        raise SteerkitError("steer: layer and position go with a DirectionSet; a direction has its own")
    several: Sequence[Any] = given if isinstance(given, list | tuple) else [given]
    for one in several:
        if not isinstance(one, Direction):
            raise SteerkitError(
                "steer: expected a Direction, several of them or a DirectionSet, got"
                f" {reprlib.repr(one)}; of a vector of your own Direction.from_raw makes one"
            )
    if not several:
        raise SteerkitError("steer: expected a Direction, got none")
    return [(_alone(one), one.layer, one.position) for one in several]


def _alone(direction: Direction) -> DirectionSet:
    """The set that has just this direction."""
    return DirectionSet(
        (direction.position,),
        (direction.layer,),
        direction.unit.view(1, 1, -1),
        torch.tensor([[direction.raw_norm]], dtype=torch.float64),
        module=direction.module,
        residual_norms=() if direction.residual_norm is None else (direction.residual_norm,),
        axes=None if direction.axes is None else direction.axes[None, None],
    )


def _multiplier(model: Engine, site: Site, given: object) -> float | None:
    """The one that is given, else the site's own, else the family's; None where the site has none."""
    if not site.takes_multiplier:
        if given is not None:
            raise SteerkitError(f"site {site.name!r} takes no multiplier, got {given!r}")
        return None
    if given is None:
        own: float | None = getattr(site, "multiplier", None)
        return model.adapter.defaults.multiplier if own is None else own
    # numpy's numbers, which sweeps in notebooks are made of, are such too
    if isinstance(given, bool) or not isinstance(given, Real) or not math.isfinite(given):
        raise SteerkitError(f"multiplier: expected a number, got {given!r}")
    return float(given)


def _check(model: Engine, site: Site, wanted: Wanted) -> None:
    """Refuse directions that are not of this model, or were read where the site does not edit."""
    module = wanted.directions.module
    if not same_place(module, site.module):
        raise SteerkitError(
            f"site {site.name!r} edits {site.module}, but the direction was read in {module}: choose a site"
            " that edits there, or extract with module= another"
        )
    check_layer(wanted.layer, model.num_layers)
    length = float(wanted.directions.at(wanted.layer, wanted.position).unit.double().norm())
    if not math.isclose(length, 1.0, abs_tol=1e-2):
        raise SteerkitError(
            f"the direction at layer {wanted.layer} has a unit of length {length:.4g}, expected 1: make it"
            " with Direction.from_raw, which keeps the length apart"
        )
    width, own = int(wanted.directions.units.shape[-1]), model.width(module)
    if width != own:
        raise ModelError(
            f"the direction is {width} wide, but {'the heads' if module == 'heads' else 'the stream'} of"
            f" {model.spec.id} {'are' if module == 'heads' else 'is'} {own} wide: it is another model's"
        )
