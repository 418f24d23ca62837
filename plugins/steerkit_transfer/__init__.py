"""Extractor `transfer`: directions of a saved run, of a file, or of another model."""

from steerkit_core import Extractor, hookimpl
from steerkit_transfer.depth import matched_layer
from steerkit_transfer.transfer import Transfer

__all__ = ["Transfer", "matched_layer", "steerkit_register_extractors"]


@hookimpl
def steerkit_register_extractors() -> list[type[Extractor]]:
    """Bring `transfer`."""
    return [Transfer]
