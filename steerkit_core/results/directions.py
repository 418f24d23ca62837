"""Directions that a run has kept, as far as they can be known without reading their numbers.

Nothing here imports torch until the numbers are asked for: a recipe that names a run is checked with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from steerkit_core.errors import StoreError
from steerkit_core.files.directions import AXES, KEY, NORMS, STREAM, UNITS, check_set, facts_of
from steerkit_core.files.tensors import read_header, read_tensors
from steerkit_core.results.files import DIRECTIONS, MANIFEST, read_manifest
from steerkit_core.results.run import check_recipe
from steerkit_core.values import BlockModule, PromptPart

if TYPE_CHECKING:
    from steerkit_core.values import DirectionSet

NUMBERS = (UNITS, NORMS, AXES)
# what is said of a model besides what determines its numbers, as in `ModelHandle.record`
RECORD = ("id", "revision", "template", "model_type", "num_layers", "hidden_size")


@frozen(eq=False)
class KeptDirections:
    """What one extraction of a run left behind, or a file of one; see `SavedDirections`."""

    run: str
    key: str
    model: Mapping[str, Any]
    extractor: Mapping[str, Any]
    positions: tuple[int, ...]
    layers: tuple[int, ...]
    module: BlockModule
    width: int
    num_layers: int | None
    facts: Mapping[str, Any] = field(repr=False)
    _path: Path = field(repr=False)
    _places: tuple[tuple[int, int], ...] = field(repr=False)

    @property
    def digest(self) -> str:
        """SHA-256 over the bytes of units, raw norms and axes."""
        found = hashlib.sha256()
        with self._path.open("rb") as file:
            for start, end in self._places:
                file.seek(start)
                found.update(file.read(end - start))
        return found.hexdigest()

    def directions(self) -> DirectionSet:
        """The directions, of a run at all layers of the model that they were found in."""
        from steerkit_core.values import DirectionSet

        found = read_tensors(self._path, f"{self.key}.")
        return DirectionSet(
            self.positions,
            self.layers,
            found[UNITS],
            found[NORMS],
            module=self.module,
            axes=found.get(AXES),
        )

    def residual_norms(self, part: PromptPart = "all") -> tuple[float, ...]:
        """Mean length of each block's output over some of a prompt's tokens, as the run measured it."""
        found = read_tensors(self._path, f"{self.key}.")
        name = STREAM if part == "all" else f"{STREAM}_{part}"
        # a run of an earlier version measured all tokens and counted in that, whatever the span
        return tuple(found[name if name in found else STREAM].tolist())


def kept_directions(run: str, key: str = "") -> KeptDirections:
    """The directions of a run directory, or of the run of this name below `runs/`, whose key begins so.

    Raises:
        StoreError: there is no such run, it keeps no directions, or not exactly one extraction is meant.
    """
    folder = Path(run)
    if not folder.exists() and (Path("runs") / run).exists():
        folder = Path("runs") / run
    path = folder / DIRECTIONS
    if not path.is_file():
        raise StoreError(
            f"{folder}: no {DIRECTIONS} here: not a run directory, or a run that has found no directions"
        )
    header, base = read_header(path)
    facts = facts_of(header, path)
    found = [name for name in facts if name.startswith(key) and f"{name}.{UNITS}" in header]
    if not key:  # the directions of shuffled labels are a control, and are taken only by their key
        found = [name for name in found if "shuffled" not in facts[name]]
    if len(found) != 1:
        raise StoreError(_unclear(folder, key, found, facts))
    (name,) = found
    own = facts[name]
    return _kept((header, base), path, run, name, own, _record(folder, own), len(own["layers"]))


def filed_directions(file: str) -> KeptDirections:
    """The directions of a file, written by `DirectionSet.save`, `steerkit export` or `steerkit import`.

    What the file does not say of the model that they were found in is None.

    Raises:
        StoreError: there is no such file, or it holds something else.
    """
    path = Path(file)
    header, base = read_header(path)
    own = facts_of(header, path).get(KEY)
    if own is None:
        raise StoreError(
            f"{path}: holds no directions as steerkit writes them: make such a file of it with"
            " `steerkit import`, or name the run that it belongs to"
        )
    record = own.get("record") or {}
    model = {**dict.fromkeys((*RECORD, "fingerprint")), **record, **(own.get("model") or {})}
    return _kept((header, base), path, file, KEY, own, model, record.get("num_layers"))


def _kept(
    head: tuple[Mapping[str, Any], int],
    path: Path,
    run: str,
    key: str,
    own: Mapping[str, Any],
    model: Mapping[str, Any],
    num_layers: int | None,
) -> KeptDirections:
    header, base = head
    check_set(header, own, key, path)
    parts = (header.get(f"{key}.{part}") for part in NUMBERS)
    places = [part["data_offsets"] for part in parts if part is not None]
    return KeptDirections(
        run=run,
        key=key,
        model=model,
        extractor=own.get("extractor") or {"use": None, "options": {}, "version": None},
        positions=tuple(own["positions"]),
        layers=tuple(own["layers"]),
        module=own.get("module", "residual"),
        width=int(header[f"{key}.{UNITS}"]["shape"][-1]),
        num_layers=num_layers,
        facts=own,
        path=path,
        places=tuple((base + start, base + end) for start, end in places),
    )


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
            named = {name: entry.get(name) for name in RECORD if name != "template"}
            return {**identity, **named, "template": template}
    raise StoreError(f"{folder}: {MANIFEST} does not say which model the directions were found in")
