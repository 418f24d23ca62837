"""Vectors that others have found, as a set of directions that a recipe can take."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from steerkit_core.components import ModelRecord
from steerkit_core.errors import StoreError
from steerkit_core.export.control_vectors import read_control_vectors
from steerkit_core.export.steering_vectors import read_steering_vector
from steerkit_core.files.directions import facts_of
from steerkit_core.files.reading import unreadable
from steerkit_core.files.tensors import read_header, read_tensors
from steerkit_core.values import DirectionSet

if TYPE_CHECKING:
    from torch import Tensor

Format = Literal["safetensors", "gguf", "repeng", "steering-vectors"]
READERS = {
    "gguf": read_control_vectors,
    "repeng": read_control_vectors,
    "steering-vectors": read_steering_vector,
}


def format_of(path: Path) -> Format:
    """The format of a file by its first bytes.

    Raises:
        StoreError: it cannot be read, or the format is unknown.
    """
    try:
        with path.open("rb") as file:
            begin = file.read(9)
    except OSError as error:
        raise StoreError(unreadable(path, error)) from None
    if begin.startswith(b"GGUF"):
        return "gguf"
    if begin[:2] in (b"PK", b"\x80\x02"):
        return "steering-vectors"
    # the length of the header in eight bytes, and then the header, which is a JSON object
    if begin[8:] == b"{":
        return "safetensors"
    raise StoreError(
        f"{path}: unrecognised file format, expected GGUF, safetensors or a file of steering-vectors, got"
        f" {begin!r}: name it with --from if it is one of these"
    )


def read_vectors(path: Path, form: Format) -> dict[int, Tensor]:
    """One vector for each block that the file names, (hidden,) float32, in the order of blocks.

    Raises:
        SteerkitError: the file is not what it is said to be, or a package is missing.
    """
    found = READERS[form](path) if form in READERS else _read_safetensors(path)
    if not found:
        raise StoreError(f"{path}: holds no vectors")
    return dict(sorted(found.items()))


def _read_safetensors(path: Path) -> dict[int, Tensor]:
    """Tensors whose names end in the number of a block."""
    header, _ = read_header(path)
    if facts_of(header, path):
        raise StoreError(
            f"{path}: has directions as steerkit writes them, and need not be imported: name it in"
            " extractor.file, or the run that it belongs to in extractor.run"
        )
    found: dict[int, Tensor] = {}
    for name, tensor in read_tensors(path).items():
        match = re.search(r"(\d+)$", name)
        if match is None or not tensor.is_floating_point():
            raise StoreError(
                f"{path}: has a tensor {name!r}, expected floating-point vectors whose names end in the"
                " number of a block, such as 'layer.5'"
            )
        if int(match[1]) in found:
            raise StoreError(f"{path}: has two vectors for block {int(match[1])}")
        found[int(match[1])] = tensor.float().flatten()
    return found


def as_directions(
    vectors: Mapping[int, Tensor], record: ModelRecord, path: Path, position: int
) -> DirectionSet:
    """Vectors as directions at one position, each of length 1 beside the length that it had.

    Args:
        vectors: (hidden,) by block.
        record: of the model that they are for, as `ModelHandle.record` has it.
        path: where they come from.
        position: where they are said to have been read.

    Raises:
        StoreError: one does not fit the model or is not finite.
    """
    import torch

    width, depth = record.hidden_size, record.num_layers
    for layer, vector in vectors.items():
        if vector.numel() != width:
            raise StoreError(
                f"{path}: the vector of block {layer} has {vector.numel()} numbers, and {record.id} the"
                f" hidden size {width}: name the model that it was made for"
            )
        if layer >= depth:
            raise StoreError(
                f"{path}: has a vector for block {layer}, and {record.id} the blocks 0 to {depth - 1}:"
                " name the model that it was made for"
            )
        if not bool(torch.isfinite(vector).all()):
            raise StoreError(f"{path}: the vector of block {layer} has numbers that are not finite")
    raw = torch.stack(list(vectors.values())).unsqueeze(0)
    return DirectionSet.from_raw(raw, (position,), tuple(vectors))
