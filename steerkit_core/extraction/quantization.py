"""How far quantization has turned the directions: cosines to those of the unquantized model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from attrs import evolve

from steerkit_core.extraction.extraction import Extraction, kept_identities, read_extraction
from steerkit_core.results.directions import ExtractionIdentity
from steerkit_core.results.findings import QuantizationShift, all_finite
from steerkit_core.results.run_directory import RunDirectory
from steerkit_core.values import DirectionSet

if TYPE_CHECKING:
    from torch import Tensor


def cosines(one: DirectionSet, other: DirectionSet) -> Tensor:
    """Cosine of the directions of two sets, (positions, layers), float64.

    NaN where either direction has no length. Both sets have the same positions, layers and width.
    """
    import torch

    products = (one.units.double() * other.units.double()).sum(dim=-1)
    lengths = one.units.double().norm(dim=-1) * other.units.double().norm(dim=-1)
    usable = torch.isfinite(lengths) & (lengths > 0)
    return torch.where(usable, products / lengths, torch.nan)


def quantization_shifts(
    extraction: Extraction, names: Mapping[str, str], store: RunDirectory
) -> list[QuantizationShift]:
    """How an extraction of a quantized model compares with that of the unquantized model.

    One for each position; none where the extraction's own model is unquantized, its directions were
    reused or come from another model, or the run keeps none of the unquantized model with the same
    extractor and prompts.

    Args:
        extraction: what was found in the quantized model.
        names: the fields that tell whose it is.
        store: the run, which keeps the other extractions.
    """
    reference = _reference(extraction.identity, store)
    if reference is None:
        return []
    table = cosines(extraction.directions, reference.directions).tolist()
    norms = [one.directions.raw_norms.tolist() for one in (extraction, reference)]
    return [
        QuantizationShift(
            **names,
            extraction=extraction.key,
            reference=reference.key,
            reference_dtype=reference.identity.model.dtype,
            position=position,
            layers=extraction.directions.layers,
            cosines=all_finite(row),
            raw_norms=all_finite(own),
            reference_raw_norms=all_finite(other),
        )
        for position, row, own, other in zip(extraction.directions.positions, table, *norms, strict=True)
    ]


def _reference(identity: ExtractionIdentity, store: RunDirectory) -> Extraction | None:
    """The same extraction in the unquantized model, preferably of the same dtype and device."""
    own = identity.model
    if own.quantization == "none" or identity.source is not None or identity.origin is not None:
        return None
    same = [
        other
        for other in kept_identities(store)
        if evolve(other, model=own) == identity
        and other.model.quantization == "none"
        and other.model.fingerprint == own.fingerprint
    ]
    same.sort(
        key=lambda other: (
            other.model.device != own.device,
            other.model.dtype != own.dtype,
            other.model.dtype,
        )
    )
    return read_extraction(store, same[0]) if same else None
