"""Directions that a run has kept, as far as they can be known without reading their numbers.

Nothing here imports torch until the numbers are asked for: a recipe that names a run is checked with it.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from attrs import field, frozen

from steerkit_core.errors import StoreError
from steerkit_core.kept_run import check_recipe
from steerkit_core.run_files import DIRECTIONS, MANIFEST, read_manifest
from steerkit_core.values import BlockModule

if TYPE_CHECKING:
    from steerkit_core.values import DirectionSet

LENGTH = 8  # bytes of a safetensors file that say how long its header is
NUMBERS = ("units", "raw_norms")


@frozen(eq=False)
class KeptDirections:
    """What one extraction of a run left behind; see `SavedDirections`."""

    run: str
    key: str
    model: Mapping[str, Any]
    extractor: Mapping[str, Any]
    positions: tuple[int, ...]
    layers: tuple[int, ...]
    module: BlockModule
    width: int
    _path: Path = field(repr=False)
    _places: tuple[tuple[int, int], ...] = field(repr=False)

    @property
    def digest(self) -> str:
        """SHA-256 over the bytes of units and raw norms."""
        found = hashlib.sha256()
        with self._path.open("rb") as file:
            for start, end in self._places:
                file.seek(start)
                found.update(file.read(end - start))
        return found.hexdigest()

    def directions(self) -> DirectionSet:
        """The directions, at all layers of the model that they were found in."""
        from safetensors import safe_open

        from steerkit_core.values import DirectionSet

        with safe_open(self._path, framework="pt") as file:
            units, norms = (file.get_tensor(f"{self.key}.{name}") for name in NUMBERS)
        return DirectionSet(self.positions, self.layers, units, norms, module=self.module)


def kept_directions(run: str, key: str = "") -> KeptDirections:
    """The directions of a run directory, or of the run of this name below `runs/`, whose key begins so.

    Raises:
        StoreError: there is no such run, it keeps no directions, or not exactly one extraction is meant.
    """
    folder = Path(run)
    if not folder.exists() and (Path("runs") / run).exists():
        folder = Path("runs") / run
    path = folder / DIRECTIONS
    header, base = _header(path, folder)
    facts = {name: json.loads(text) for name, text in header.get("__metadata__", {}).items()}
    found = [name for name in facts if name.startswith(key) and f"{name}.units" in header]
    if not key:  # the directions of shuffled labels are a control, and are taken only by their key
        found = [name for name in found if "shuffled" not in facts[name]]
    if len(found) != 1:
        raise StoreError(_unclear(folder, key, found, facts))
    (name,) = found
    own = facts[name]
    places = [header[f"{name}.{part}"]["data_offsets"] for part in NUMBERS]
    return KeptDirections(
        run=run,
        key=name,
        model=_record(folder, own),
        extractor=own["extractor"],
        positions=tuple(own["positions"]),
        layers=tuple(own["layers"]),
        module=own.get("module", "residual"),
        width=int(header[f"{name}.units"]["shape"][-1]),
        path=path,
        places=tuple((base + start, base + end) for start, end in places),
    )


def _header(path: Path, folder: Path) -> tuple[dict[str, Any], int]:
    """The header of a safetensors file, and where its numbers begin."""
    try:
        with path.open("rb") as file:
            (size,) = struct.unpack("<Q", file.read(LENGTH))
            header = json.loads(file.read(min(size, path.stat().st_size)))
    except FileNotFoundError:
        raise StoreError(
            f"{folder}: no {DIRECTIONS} here: not a run directory, or a run that has found no directions"
        ) from None
    except (OSError, ValueError, struct.error) as error:
        raise StoreError(f"{path}: cannot be read: {error}") from None
    return cast("dict[str, Any]", header), LENGTH + size


def _unclear(folder: Path, key: str, found: list[str], facts: Mapping[str, Any]) -> str:
    real = [name for name in sorted(facts) if "shuffled" not in facts[name]]
    known = ", ".join(f"{name} ({facts[name]['extractor']['use']})" for name in real) or "none"
    wanted = f"whose key begins with {key!r}" if key else "without a key"
    return (
        f"{folder}: {len(found) or 'no'} extractions {wanted}, expected one: name it in"
        f" extractor.extraction (kept: {known})"
    )


def _record(folder: Path, own: Mapping[str, Any]) -> dict[str, Any]:
    """What the manifest says of the model of an extraction, and of the extraction itself at least."""
    # directions that were carried over or transferred are those of the model that they were found for
    identity = dict(own["model"])
    manifest = read_manifest(folder)
    check_recipe(folder, manifest, None)
    for entry in manifest["models"]:
        if all(entry.get(name) == value for name, value in identity.items()):
            template = (entry.get("prompts") or {}).get("template_sha256")
            return {**identity, "id": entry["id"], "revision": entry["revision"], "template": template}
    raise StoreError(f"{folder}: {MANIFEST} does not say which model the directions were found in")
