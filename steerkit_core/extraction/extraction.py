"""EXTRACT: directions for a configuration, kept in the run so that a resumed one uses the very same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from steerkit_core.components import Method
from steerkit_core.errors import SteerkitError
from steerkit_core.files.directions import AXES
from steerkit_core.model.health import StreamHealth
from steerkit_core.recipe.prompts import fingerprint as prompts_fingerprint
from steerkit_core.recipe.recipe import Setting
from steerkit_core.results.cells import Origin
from steerkit_core.results.converter import structured, unstructured
from steerkit_core.results.directions import ExtractionIdentity, ModelIdentity
from steerkit_core.results.files import DIRECTIONS
from steerkit_core.results.run_directory import RunDirectory
from steerkit_core.values import ContrastSet, DirectionSet, PromptPart

if TYPE_CHECKING:
    from steerkit_core.components import Extractor, Sources
    from steerkit_core.model.handle import ModelHandle

# what is kept of a stream's health, by field and by the name of its tensor
STREAM_TENSORS = {
    "norm_mean": "residual_norms",
    "norm_max": "residual_norms_max",
    "overflow": "float16_overflow",
    "nonfinite": "nonfinite",
    "norm_last": "residual_norms_last",
    "norm_suffix": "residual_norms_suffix",
}
REQUIRED = ("norm_mean", "norm_max", "overflow", "nonfinite")


@frozen(eq=False)
class Extraction:
    """What EXTRACT yields: directions, and what the residual stream is like on the neutral prompts.

    The neutral prompts are the negative class of the contrast set. The stream is that of the model that is
    steered, also where the directions were reused from another.
    """

    key: str
    identity: ExtractionIdentity
    directions: DirectionSet
    stream: StreamHealth


def measured(directions: DirectionSet, stream: StreamHealth, part: PromptPart = "all") -> DirectionSet:
    """The same directions, with the mean lengths of the residual stream over some of a prompt's tokens."""
    norms = stream.norms(part)
    return evolve(directions, residual_norms=tuple(norms[layer] for layer in directions.layers))


def extraction_identity(
    model: ModelHandle,
    extractor: Method,
    contrast: ContrastSet,
    *,
    carried: bool = False,
    origin: Mapping[str, object] | None = None,
    shuffled: int | None = None,
) -> ExtractionIdentity:
    """Everything that determines the directions; `carried` ones are reused from full precision."""
    own = ModelIdentity(**model.identity)
    return ExtractionIdentity(
        model=own,
        extractor=extractor,
        positive=prompts_fingerprint(contrast.positive),
        negative=prompts_fingerprint(contrast.negative),
        origin=origin or None,
        shuffled=shuffled,
        source=evolve(own, quantization="none") if carried else None,
    )


def extract(
    model: ModelHandle,
    setting: Setting,
    identity: ExtractionIdentity,
    store: RunDirectory,
    sources: Sources,
    stream: StreamHealth | None = None,
) -> Extraction:
    """The kept extraction of this identity, else a new one.

    `stream` is the health of the residual stream on the neutral prompts, where it is known already.

    Raises:
        SteerkitError: the extractor returned something of another model's shape, or there are no
            directions to carry over.
    """
    kept = read_extraction(store, identity)
    if kept is not None:
        return kept
    if identity.source is not None:
        directions = _carried(identity, identity.source, store)
    else:
        directions = find_directions(model, setting.extractor, setting.contrast, sources)
    if stream is None:
        from steerkit_core.model.measuring import stream_health

        stream = stream_health(model, setting.contrast.negative)
    extraction = Extraction(identity.key, identity, directions, stream)
    _keep(store, extraction)
    return extraction


def _carried(identity: ExtractionIdentity, source: ModelIdentity, store: RunDirectory) -> DirectionSet:
    """The directions of the unquantized model, which the plan has loaded before this one."""
    found = read_extraction(store, evolve(identity, model=source, source=None))
    if found is None:
        # a branch on the hub that moved between the two loads, or a plugin that loads another model
        wanted = ", ".join(f"{name} {value}" for name, value in unstructured(source).items())
        raise SteerkitError(
            f"extractor.source: no full-precision directions to reuse, expected those of {wanted}"
        )
    return found.directions


def find_directions(
    model: ModelHandle, extractor: Extractor, contrast: ContrastSet, sources: Sources
) -> DirectionSet:
    """What an extractor finds at all layers of a model.

    Raises:
        SteerkitError: it returned something of another model's shape.
    """
    directions = extractor.extract_with(model, contrast, tuple(range(model.num_layers)), sources)
    shape = (len(directions.positions), len(directions.layers), model.width(directions.module))
    wide = "all heads side by side" if directions.module == "heads" else "hidden size"
    if tuple(directions.units.shape) != shape:
        raise SteerkitError(
            f"extractor {extractor.name!r} returned units of shape {tuple(directions.units.shape)},"
            f" expected {shape} (positions, layers, {wide})"
        )
    if directions.axes is not None and (*directions.axes.shape[:2], directions.axes.shape[-1]) != shape:
        raise SteerkitError(
            f"extractor {extractor.name!r} returned axes of shape {tuple(directions.axes.shape)}, expected"
            f" ({shape[0]}, {shape[1]}, any number, {shape[2]}) (positions, layers, axes, {wide})"
        )
    return directions


def _keep(store: RunDirectory, extraction: Extraction) -> None:
    import torch

    tensors, metadata = store.read_tensors(DIRECTIONS)
    found, key = extraction.directions, extraction.key
    # copies: safetensors refuses tensors that share memory, as a stranger's may
    tensors[f"{key}.units"] = found.units.contiguous().clone()
    tensors[f"{key}.raw_norms"] = found.raw_norms.contiguous().clone()
    if found.axes is not None:
        tensors[f"{key}.{AXES}"] = found.axes.contiguous().clone()
    for field, name in STREAM_TENSORS.items():
        tensors[f"{key}.{name}"] = torch.tensor(getattr(extraction.stream, field), dtype=torch.float64)
    for name, table in found.scores.items():
        tensors[f"{key}.score.{name}"] = table.contiguous().clone()
    shape = {"positions": found.positions, "layers": found.layers, "module": found.module}
    metadata[key] = json.dumps({**unstructured(extraction.identity), **shape}, sort_keys=True)
    store.write_tensors(DIRECTIONS, tensors, metadata)


def read_extraction(store: RunDirectory, identity: ExtractionIdentity) -> Extraction | None:
    """The extraction of this identity that the run keeps, if it does."""
    return kept_extraction(store, identity.key)


def find_extraction(store: RunDirectory, key: str) -> DirectionSet | None:
    """The directions that the run keeps under a key, as cells name it."""
    found = kept_extraction(store, key)
    return None if found is None else found.directions


def kept_extraction(store: RunDirectory, key: str) -> Extraction | None:
    """All that the run keeps under a key, as cells name it."""
    tensors, metadata = store.read_tensors(DIRECTIONS)
    # a run of an earlier version may have kept less: it is extracted again
    if key not in metadata or any(f"{key}.{STREAM_TENSORS[field]}" not in tensors for field in REQUIRED):
        return None
    for field in ("norm_last", "norm_suffix"):  # such a run counted in lengths over all tokens
        tensors.setdefault(
            f"{key}.{STREAM_TENSORS[field]}", tensors[f"{key}.{STREAM_TENSORS['norm_mean']}"]
        )
    shape = json.loads(metadata[key])
    prefix = f"{key}.score."
    scores = {
        name.removeprefix(prefix): table for name, table in tensors.items() if name.startswith(prefix)
    }
    directions = DirectionSet(
        tuple(shape["positions"]),
        tuple(shape["layers"]),
        tensors[f"{key}.units"],
        tensors[f"{key}.raw_norms"],
        scores,
        shape.get("module", "residual"),
        axes=tensors.get(f"{key}.{AXES}"),
    )
    stream = {field: tuple(tensors[f"{key}.{name}"].tolist()) for field, name in STREAM_TENSORS.items()}
    stream["nonfinite"] = tuple(int(count) for count in stream["nonfinite"])
    return Extraction(key, structured(shape, ExtractionIdentity), directions, StreamHealth(**stream))


def kept_identities(store: RunDirectory) -> list[ExtractionIdentity]:
    """What determined each extraction that the run keeps."""
    kept = store.read_tensors(DIRECTIONS)[1].values()
    return [structured(json.loads(text), ExtractionIdentity) for text in kept]


def origin_of(extraction: Extraction) -> Origin | None:
    """Where an extraction's directions come from, if not from the model that is steered."""
    found = extraction.identity.origin
    return None if found is None else structured(dict(found), Origin)
