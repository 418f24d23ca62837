"""Directions that a run has kept, as far as they can be known without reading their numbers.

Nothing here imports torch until the numbers are asked for: a recipe that names a run is checked with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import evolve, field, frozen

from steerkit_core.components import Method, SourceModel
from steerkit_core.errors import StoreError
from steerkit_core.files.directions import AXES, KEY, NORMS, STREAM, UNITS, check_set, facts_of
from steerkit_core.files.fingerprints import fingerprint
from steerkit_core.files.tensors import read_header, read_tensors
from steerkit_core.results.converter import Misfit, structured, unstructured
from steerkit_core.results.fields import OMIT
from steerkit_core.results.files import DIRECTIONS, MANIFEST, read_manifest
from steerkit_core.results.run import check_recipe
from steerkit_core.values import BlockModule, PromptPart

if TYPE_CHECKING:
    from steerkit_core.values import DirectionSet

T = TypeVar("T")

NUMBERS = (UNITS, NORMS, AXES)


@frozen(kw_only=True)
class ModelIdentity:
    """What determines a model's numbers; see `ModelHandle.identity`."""

    fingerprint: str
    dtype: str
    quantization: str
    device: str


@frozen(kw_only=True)
class ExtractionIdentity:
    """Everything that determines the directions of an extraction; its hash is their key in the run.

    `positive` and `negative` are hashes of the prompts. `source` is there for directions that are reused
    from full precision only: the identity of the same model without quantization, in which they were found.
    `origin` is there for those that come from elsewhere: what their extractor says of that. `shuffled` is
    there for a control only: which shuffle of the labels it is.
    """

    model: ModelIdentity
    extractor: Method
    positive: str
    negative: str
    origin: Mapping[str, object] | None = field(default=None, metadata=OMIT)
    shuffled: int | None = field(default=None, metadata=OMIT)
    source: ModelIdentity | None = field(default=None, metadata=OMIT)

    @property
    def key(self) -> str:
        """What the run calls the extraction."""
        return fingerprint(unstructured(self))[:12]


@frozen(eq=False)
class KeptDirections:
    """What one extraction of a run left behind, or a file of one; see `SavedDirections`.

    `contrast` are the hashes of the positive and negative prompts; `facts` all that the file says, as JSON.
    """

    run: str
    key: str
    model: SourceModel
    extractor: Method
    positions: tuple[int, ...]
    layers: tuple[int, ...]
    module: BlockModule
    width: int
    num_layers: int | None
    contrast: tuple[str, str] | None
    facts: Mapping[str, object] = field(repr=False)
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
    told = {**(own.get("record") or {}), **(own.get("model") or {})}
    model = _read(told, SourceModel, path)
    return _kept((header, base), path, file, KEY, own, model, model.num_layers)


def _kept(
    head: tuple[Mapping[str, Any], int],
    path: Path,
    run: str,
    key: str,
    own: Mapping[str, Any],
    model: SourceModel,
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
        extractor=_read(own.get("extractor") or {"use": None}, Method, path),
        positions=tuple(own["positions"]),
        layers=tuple(own["layers"]),
        module=own.get("module", "residual"),
        width=int(header[f"{key}.{UNITS}"]["shape"][-1]),
        num_layers=num_layers,
        contrast=(own["positive"], own["negative"]) if "positive" in own and "negative" in own else None,
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


def _record(folder: Path, own: Mapping[str, Any]) -> SourceModel:
    """What the manifest says of the model of an extraction, and of the extraction itself at least."""
    # directions that were reused or transferred are those of the model that they were found for
    identity = _read(own["model"], SourceModel, folder / DIRECTIONS)
    wanted = (identity.fingerprint, identity.dtype, identity.quantization, identity.device)
    manifest = read_manifest(folder)
    check_recipe(folder, manifest, None)
    for entry in manifest.models:
        if (entry.fingerprint, entry.dtype, entry.quantization, entry.device) == wanted:
            return evolve(
                identity,
                id=entry.id,
                revision=entry.revision,
                template=None if entry.prompts is None else entry.prompts.template_sha256,
                model_type=entry.model_type,
                num_layers=entry.num_layers,
                hidden_size=entry.hidden_size,
            )
    raise StoreError(f"{folder}: {MANIFEST} does not say which model the directions were found in")


def _read(told: object, cl: type[T], path: Path) -> T:
    try:
        return structured(told, cl)
    except Misfit as error:
        raise StoreError(f"{path}: damaged: {error}") from None
