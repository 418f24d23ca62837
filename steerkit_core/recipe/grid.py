"""`[grid]`: its axes, and the document at one of its points."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from steerkit_core.errors import Problem
from steerkit_core.files.fingerprints import fingerprint
from steerkit_core.recipe.converter import unknown_key
from steerkit_core.recipe.tables import OPTION_TABLES, TABLES

Axes = dict[str, Sequence[object]]

# options that no result depends on, so that a grid over them would show one number several times
WITHOUT_EFFECT = {
    "model.backend": (
        "backends are ways to the same tensors, and a completion is made once: run 'steerkit parity MODEL',"
        " or the recipe once for each backend with another --out"
    ),
}


def read_axes(document: Mapping[str, object]) -> tuple[Axes, list[Problem]]:
    """The axes of a document's grid, by the dotted place that each sets, and what is wrong with others."""
    grid = document.get("grid", {})
    if not isinstance(grid, dict):
        return {}, [Problem("grid", f"expected a table, got {grid!r}")]
    axes: Axes = {}
    faults: list[Problem] = []
    for place, values in _flatten(grid):
        fault = _fault(place, values)
        table = place.partition(".")[0]
        if fault is not None:
            faults.append(Problem(f'grid."{place}"', fault))
        elif isinstance(values, list) and ("." not in place or isinstance(document.get(table, {}), dict)):
            axes[place] = values
    return axes, faults


def _fault(place: str, values: object) -> str | None:
    table = place.partition(".")[0]
    known = [name for name in TABLES if name not in ("run", "grid")]
    if table not in known:
        return unknown_key("table", table, known)
    if place in WITHOUT_EFFECT:
        return f"not an axis: {WITHOUT_EFFECT[place]}"
    if not isinstance(values, list) or not values:
        return f"expected a list of values, got {values!r}"
    if len({fingerprint(value) for value in values}) < len(values):
        return f"the same value twice in {values!r}"
    return None


def _flatten(grid: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    """`{"site.multiplier": [...]}` and `{"site": {"multiplier": [...]}}` alike, as dotted places."""
    for key, value in grid.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def at_point(document: Mapping[str, object], overrides: Mapping[str, object]) -> dict[str, object]:
    """The document without its grid, with dotted places set.

    A place without a dot is a table: of an option table the given keys are set and the others stay; a
    component's table is replaced, as the options of one component mean nothing to the next.
    """
    found = {table: value for table, value in document.items() if table != "grid"}
    for place, value in overrides.items():
        table, dot, key = place.partition(".")
        before = found.get(table)
        own = before if isinstance(before, dict) else {}
        if dot:
            found[table] = {**own, key: value}
        elif isinstance(value, dict) and table in OPTION_TABLES:
            found[table] = {**own, **value}
        else:
            found[table] = value
    return found
