"""A value for what a recipe must say, so that there is something to change."""

from __future__ import annotations

from typing import Any, Literal, cast, get_args, get_origin

import attrs

from steerkit_core.components import Component, Within


def needed(component: type[Component], model: str) -> dict[str, object]:
    """A value of the right type for every option that has no default; for one called `model` that model."""
    attrs.resolve_types(cast("Any", component))
    return {
        field.name: model if field.name == "model" else simplest(field)
        for field in attrs.fields(cast("Any", component))
        if field.default is attrs.NOTHING
    }


def simplest(field: attrs.Attribute[Any]) -> Any:
    """The first choice, the smallest number within bounds, false, or nothing."""
    kind = field.type
    if get_origin(kind) is Literal:
        return get_args(kind)[0]
    if kind in (int, float):
        bounds = [check for check in field.metadata["checks"] if isinstance(check, Within)]
        return cast("type", kind)(_inside(bounds[0]) if bounds else 0)
    return {bool: False, str: ""}.get(cast("Any", kind), ())


def _inside(bound: Within) -> float:
    low, high = bound.low, bound.high
    if not bound.open:
        return next((edge for edge in (low, high) if edge is not None), 0.0)
    if low is None or high is None:
        return low + 1 if low is not None else (high or 0.0) - 1
    return (low + high) / 2
