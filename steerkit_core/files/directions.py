"""Files of directions: one layout for those of a run, and for one set by itself.

Each set has a key. Its tensors are named `<key>.units`, `<key>.raw_norms`, `<key>.axes` and
`<key>.score.<name>`; the file's metadata has one entry for each key, a JSON object.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steerkit_core.errors import StoreError
from steerkit_core.files.tensors import read_header, read_tensors, write_tensors

if TYPE_CHECKING:
    from torch import Tensor

UNITS, NORMS, STREAM, AXES, SCORE = "units", "raw_norms", "residual_norms", "axes", "score."
KEY = "directions"  # of a set that is in a file by itself
SCHEMA = 1


def facts_of(header: Mapping[str, Any], path: Path) -> dict[str, dict[str, Any]]:
    """What a file says of each set of directions in it; a stranger's metadata is left out.

    Raises:
        StoreError: it was written by a newer steerkit.
    """
    found: dict[str, dict[str, Any]] = {}
    for name, text in (header.get("__metadata__") or {}).items():
        try:
            facts = json.loads(text)
        except ValueError:
            continue
        if isinstance(facts, dict) and {"positions", "layers"} <= facts.keys():
            found[name] = facts
            schema = facts.get("schema_version", SCHEMA)
            if schema != SCHEMA:
                raise StoreError(
                    f"{path}: has schema_version {schema!r}, expected {SCHEMA}: it was written by another"
                    " version of steerkit"
                )
    return found


def own_version() -> str | None:
    """The version of steerkit-core, where it is installed."""
    try:
        return version("steerkit-core")
    except PackageNotFoundError:
        return None


def write_directions(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Write one set of directions: `units`, `raw_norms` and scores by name.

    Raises:
        StoreError: it cannot be written.
    """
    known = {"schema_version": SCHEMA, "steerkit": own_version(), **facts}
    write_tensors(
        path,
        {f"{KEY}.{name}": tensor for name, tensor in tensors.items()},
        {KEY: json.dumps(known, sort_keys=True)},
    )


def read_directions(path: Path, key: str = "") -> tuple[dict[str, Any], dict[str, Tensor]]:
    """What is said of the one set whose key begins with `key`, and its tensors by name.

    Raises:
        StoreError: the file is missing or damaged, or not exactly one set is meant.
    """
    header, _ = read_header(path)
    known = facts_of(header, path)
    found = [name for name in known if name.startswith(key)]
    if len(found) != 1:
        raise StoreError(
            f"{path}: {len(found) or 'no'} sets of directions whose key begins with {key!r}, expected one"
            f" (kept: {', '.join(known) or 'none'})"
        )
    check_set(header, known[found[0]], found[0], path)
    return known[found[0]], read_tensors(path, f"{found[0]}.")


def check_set(header: Mapping[str, Any], facts: Mapping[str, Any], key: str, path: Path) -> None:
    """Raise `StoreError` where a set's tensors are not of the shape that its facts say."""
    wide = (len(facts["positions"]), len(facts["layers"]))
    shapes = [_shape(header, f"{key}.{name}") for name in (UNITS, NORMS)]
    if shapes[1] != wide or len(shapes[0]) != 3 or shapes[0][:2] != wide:
        raise StoreError(
            f"{path}: damaged: {UNITS} of shape {shapes[0]} and {NORMS} of shape {shapes[1]}, expected"
            f" ({wide[0]}, {wide[1]}, hidden) and {wide} (positions, layers, hidden)"
        )
    axes, width = _shape(header, f"{key}.{AXES}"), shapes[0][2]
    if f"{key}.{AXES}" in header and (len(axes) != 4 or (*axes[:2], axes[3]) != (*wide, width)):
        raise StoreError(
            f"{path}: damaged: {AXES} of shape {axes}, expected ({wide[0]}, {wide[1]}, any number, {width})"
            " (positions, layers, axes, hidden)"
        )


def _shape(header: Mapping[str, Any], name: str) -> Sequence[int]:
    return tuple(header.get(name, {}).get("shape", ()))
