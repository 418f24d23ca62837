"""EXTRACT: directions for a setting, kept in the run so that a resumed one uses the very same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from attrs import frozen

from steerkit_core.errors import SteerkitError
from steerkit_core.prompts import fingerprint as prompts_fingerprint
from steerkit_core.recipe import Setting, fingerprint
from steerkit_core.store import DIRECTIONS, RunDirectory
from steerkit_core.values import ContrastSet, DirectionSet

if TYPE_CHECKING:
    from steerkit_core.model import ModelHandle


@frozen(eq=False)
class Extraction:
    """What EXTRACT yields: directions, and the residual stream's lengths on the neutral prompts.

    The neutral prompts are the negative class of the contrast set.
    """

    key: str
    directions: DirectionSet
    residual_norms: tuple[float, ...]


def extraction_identity(
    model: ModelHandle, extractor: Mapping[str, Any], contrast: ContrastSet
) -> dict[str, Any]:
    """Everything that determines the directions."""
    return {
        "model": dict(model.identity),
        "extractor": dict(extractor),
        "positive": prompts_fingerprint(contrast.positive),
        "negative": prompts_fingerprint(contrast.negative),
    }


def extract(
    model: ModelHandle, setting: Setting, identity: Mapping[str, Any], store: RunDirectory
) -> Extraction:
    """The kept extraction of this identity, else a new one.

    Raises:
        SteerkitError: the extractor returned something of another model's shape.
    """
    key = fingerprint(dict(identity))[:12]
    kept = _read(store, key)
    if kept is not None:
        return kept
    directions = setting.extractor.extract(model, setting.contrast, tuple(range(model.num_layers)))
    shape = (len(directions.positions), len(directions.layers), model.width(directions.module))
    wide = "all heads side by side" if directions.module == "heads" else "hidden size"
    if tuple(directions.units.shape) != shape:
        raise SteerkitError(
            f"extractor {setting.extractor.name!r} returned units of shape {tuple(directions.units.shape)},"
            f" expected {shape} (positions, layers, {wide})"
        )
    extraction = Extraction(key, directions, model.residual_norms(setting.contrast.negative))
    _keep(store, extraction, identity)
    return extraction


def _keep(store: RunDirectory, extraction: Extraction, identity: Mapping[str, Any]) -> None:
    import torch

    tensors, metadata = store.read_tensors(DIRECTIONS)
    found, key = extraction.directions, extraction.key
    # copies: safetensors refuses tensors that share memory, as a stranger's may
    tensors[f"{key}.units"] = found.units.contiguous().clone()
    tensors[f"{key}.raw_norms"] = found.raw_norms.contiguous().clone()
    tensors[f"{key}.residual_norms"] = torch.tensor(extraction.residual_norms, dtype=torch.float64)
    for name, table in found.scores.items():
        tensors[f"{key}.score.{name}"] = table.contiguous().clone()
    shape = {"positions": found.positions, "layers": found.layers, "module": found.module}
    metadata[key] = json.dumps({**identity, **shape}, sort_keys=True)
    store.write_tensors(DIRECTIONS, tensors, metadata)


def _read(store: RunDirectory, key: str) -> Extraction | None:
    tensors, metadata = store.read_tensors(DIRECTIONS)
    if key not in metadata:
        return None
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
    )
    return Extraction(key, directions, tuple(tensors[f"{key}.residual_norms"].tolist()))
