"""EXTRACT: directions for a setting, kept in the run so that a resumed one uses the very same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from steerkit_core.errors import SteerkitError
from steerkit_core.files.directions import AXES
from steerkit_core.files.fingerprints import fingerprint
from steerkit_core.model.health import StreamHealth
from steerkit_core.recipe.prompts import fingerprint as prompts_fingerprint
from steerkit_core.recipe.recipe import Setting
from steerkit_core.results.cells import Origin
from steerkit_core.results.converter import structured
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
SHAPE = ("positions", "layers", "module")


@frozen(eq=False)
class Extraction:
    """What EXTRACT yields: directions, and what the residual stream is like on the neutral prompts.

    The neutral prompts are the negative class of the contrast set. The stream is that of the model that is
    steered, also where the directions were carried over from another.
    """

    key: str
    identity: Mapping[str, Any]
    directions: DirectionSet
    stream: StreamHealth


def measured(directions: DirectionSet, stream: StreamHealth, part: PromptPart = "all") -> DirectionSet:
    """The same directions, with the mean lengths of the residual stream over some of a prompt's tokens."""
    norms = stream.norms(part)
    return evolve(directions, residual_norms=tuple(norms[layer] for layer in directions.layers))


def extraction_identity(
    model: ModelHandle,
    extractor: Mapping[str, Any],
    contrast: ContrastSet,
    *,
    carried: bool = False,
    origin: Mapping[str, Any] | None = None,
    shuffled: int | None = None,
) -> dict[str, Any]:
    """Everything that determines the directions.

    `source` is there for `carried` directions only, and is the identity of the same model without
    quantization, in which they were extracted. `origin` is there for those that come from elsewhere, and is
    what their extractor says of that. `shuffled` is there for a control only: which shuffle of the labels
    `contrast` is.
    """
    identity: dict[str, Any] = {
        "model": dict(model.identity),
        "extractor": dict(extractor),
        "positive": prompts_fingerprint(contrast.positive),
        "negative": prompts_fingerprint(contrast.negative),
    }
    identity |= {"origin": dict(origin)} if origin else {}
    if shuffled is not None:
        identity["shuffled"] = shuffled
    return identity | {"source": {**model.identity, "quantization": "none"}} if carried else identity


def extract(
    model: ModelHandle,
    setting: Setting,
    identity: Mapping[str, Any],
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
    if "source" in identity:
        directions = _carried(identity, store)
    else:
        directions = find_directions(model, setting.extractor, setting.contrast, sources)
    if stream is None:
        from steerkit_core.model.measuring import stream_health

        stream = stream_health(model, setting.contrast.negative)
    extraction = Extraction(_key(identity), identity, directions, stream)
    _keep(store, extraction)
    return extraction


def _key(identity: Mapping[str, Any]) -> str:
    return fingerprint(dict(identity))[:12]


def _carried(identity: Mapping[str, Any], store: RunDirectory) -> DirectionSet:
    """The directions of the unquantized model, which the plan has loaded before this one."""
    own = {key: value for key, value in identity.items() if key != "source"}
    found = read_extraction(store, {**own, "model": identity["source"]})
    if found is None:
        # a branch on the hub that moved between the two loads, or a plugin that loads another model
        wanted = ", ".join(f"{name} {value}" for name, value in identity["source"].items())
        raise SteerkitError(
            "extractor.source: there are no directions to carry over, expected those of a model of"
            f" {wanted}"
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
    metadata[key] = json.dumps({**extraction.identity, **shape}, sort_keys=True)
    store.write_tensors(DIRECTIONS, tensors, metadata)


def read_extraction(store: RunDirectory, identity: Mapping[str, Any]) -> Extraction | None:
    """The extraction of this identity that the run keeps, if it does."""
    tensors, metadata = store.read_tensors(DIRECTIONS)
    key = _key(identity)
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
    return Extraction(key, identity, directions, StreamHealth(**stream))


def find_extraction(store: RunDirectory, key: str) -> DirectionSet | None:
    """The directions that the run keeps under a key, as cells name it."""
    found = kept_extraction(store, key)
    return None if found is None else found.directions


def kept_extraction(store: RunDirectory, key: str) -> Extraction | None:
    """All that the run keeps under a key, as cells name it."""
    text = store.read_tensors(DIRECTIONS)[1].get(key)
    if text is None:
        return None
    identity = {name: value for name, value in json.loads(text).items() if name not in SHAPE}
    return read_extraction(store, identity)


def kept_identities(store: RunDirectory) -> list[dict[str, Any]]:
    """What determined each extraction that the run keeps."""
    kept = (json.loads(text) for text in store.read_tensors(DIRECTIONS)[1].values())
    return [{name: value for name, value in facts.items() if name not in SHAPE} for facts in kept]


def origin_of(extraction: Extraction) -> Origin | None:
    """Where an extraction's directions come from, if not from the model that is steered."""
    found = extraction.identity.get("origin")
    return None if found is None else structured(dict(found), Origin)
