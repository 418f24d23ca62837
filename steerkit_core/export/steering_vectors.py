"""Files for the package steering-vectors, whose vectors are a dataclass without a file format.

A file holds what its fields hold, `layer_activations` and `layer_type`, so that torch reads it with
`weights_only`, and `SteeringVector(**torch.load(file))` is the vector. Layer k of a `decoder_block` is what
block k gives, counted from 0. A `SteeringVector` that was pickled whole is read too, and none of its code
is run.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steerkit_core.errors import StoreError
from steerkit_core.files.reading import unreadable
from steerkit_core.files.tensors import replace_file

if TYPE_CHECKING:
    from torch import Tensor

BLOCK = "decoder_block"
CLASS = "steering_vectors.steering_vector.SteeringVector"


class _Whole:
    """Stands for a `SteeringVector` that was pickled, whose class need not be there."""


def write_steering_vector(path: Path, vectors: Mapping[int, Tensor]) -> None:
    """Write the fields of a `SteeringVector`.

    Args:
        path: the file; one that is there is replaced.
        vectors: (hidden,) float32 by block; the multiplier is in them.

    Raises:
        StoreError: it cannot be written.
    """
    import torch

    content = BytesIO()
    # clones: a view would bring along all that it is a view of
    own = {layer: vector.clone() for layer, vector in vectors.items()}
    torch.save({"layer_activations": own, "layer_type": BLOCK}, content)
    replace_file(path, content.getvalue())


def read_steering_vector(path: Path) -> dict[int, Tensor]:
    """The vectors of a file, (hidden,) float32 by block.

    Raises:
        StoreError: it is missing, holds something else, or vectors of another place than the blocks.
    """
    fields = _fields(path)
    found, kind = fields.get("layer_activations"), fields.get("layer_type", BLOCK)
    if not isinstance(found, dict) or not all(_is_vector(*item) for item in found.items()):
        raise StoreError(
            f"{path}: expected the fields of a SteeringVector, 'layer_activations' with a vector by layer"
            f" and 'layer_type', got {', '.join(map(repr, fields)) or 'none'}"
        )
    if kind != BLOCK:
        raise StoreError(f"{path}: vectors of layer_type {kind!r}, expected {BLOCK!r}")
    return {layer: vector.float().flatten() for layer, vector in found.items()}


def _fields(path: Path) -> Mapping[str, Any]:
    import torch

    try:
        with torch.serialization.safe_globals([(_Whole, CLASS)]):
            found = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise StoreError(unreadable(path, error)) from None
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        # torch's advice, such as to run the file's code all the same, is not ours
        reason = re.split(r"[.\n]", str(error).strip())[0] or type(error).__name__
        raise StoreError(f"{path}: cannot be read as a file of steering-vectors: {reason}") from None
    fields = vars(found) if isinstance(found, _Whole) else found
    return fields if isinstance(fields, dict) else {}


def _is_vector(layer: object, vector: object) -> bool:
    import torch

    return isinstance(layer, int) and isinstance(vector, torch.Tensor) and vector.is_floating_point()
