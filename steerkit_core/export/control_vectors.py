"""GGUF control vectors, as llama.cpp applies them and repeng writes and reads them.

In both, `direction.k` is added to what block k gives, blocks being counted from 0. In llama.cpp the loader
(`common_control_vector_load_one`) puts direction k at the offset (k - 1) x width,
`llama_adapter_cvec::apply` takes the tensor of layer k from there, and each model's graph adds it behind
the feed-forward residual of layer k (`build_cvec(cur, il)`). There is never a tensor for layer 0, and a
`direction.0` is an error. repeng counts in the same way, in `ControlVector.directions`, and has a layer 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from steerkit_core.errors import SteerkitError, StoreError
from steerkit_core.export.extras import need
from steerkit_core.files.tensors import replacing

if TYPE_CHECKING:
    from torch import Tensor

ARCHITECTURE = "controlvector"
PREFIX = "direction."
NUMBERS = ("F32", "F16", "F64", "BF16")


def write_control_vectors(path: Path, vectors: Mapping[int, Tensor], model_type: str) -> None:
    """Write one F32 tensor `direction.k` for each block k.

    Args:
        path: the file; one that is there is replaced.
        vectors: (hidden,) float32 by block; the multiplier is in them.
        model_type: what `controlvector.model_hint` says, such as `qwen2`.

    Raises:
        SteerkitError: the package `gguf` is missing, or the file cannot be written.
    """
    need("gguf", "gguf", "a GGUF control vector")
    import gguf

    with replacing(path) as partial:
        writer = gguf.GGUFWriter(partial, ARCHITECTURE)
        writer.add_string(f"{ARCHITECTURE}.model_hint", model_type)
        writer.add_uint32(f"{ARCHITECTURE}.layer_count", len(vectors))
        for layer, vector in vectors.items():
            writer.add_tensor(f"{PREFIX}{layer}", vector.numpy())
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()


def check_llama_cpp(vectors: Mapping[int, Tensor], where: str) -> None:
    """Raise `SteerkitError` for a block that llama.cpp cannot steer."""
    if 0 in vectors:
        raise SteerkitError(
            f"{where}: edits block 0, which llama.cpp has no direction for (its first, direction.1, is"
            " added to what block 1 gives): choose a later layer or a span without it, or --to repeng"
        )


def read_control_vectors(path: Path) -> dict[int, Tensor]:
    """The vectors of a file, (hidden,) float32 by block.

    Raises:
        SteerkitError: the package `gguf` is missing, or the file holds no control vectors.
    """
    need("gguf", "gguf", "a GGUF control vector")
    import gguf
    import torch

    try:
        reader = gguf.GGUFReader(path)
        field = reader.get_field("general.architecture")
        architecture = None if field is None else field.contents()
    except (OSError, ValueError, IndexError, KeyError) as error:
        raise StoreError(
            f"{path}: cannot be read as GGUF, not of that format or cut off: {error}"
        ) from None
    if architecture != ARCHITECTURE:
        raise StoreError(
            f"{path}: a GGUF file of architecture {architecture!r}, expected {ARCHITECTURE!r}: it holds no"
            " control vectors"
        )
    found: dict[int, Tensor] = {}
    for tensor in reader.tensors:
        number = tensor.name.removeprefix(PREFIX)
        if not tensor.name.startswith(PREFIX) or not number.isdecimal():
            raise StoreError(f"{path}: has a tensor {tensor.name!r}, expected {PREFIX}1, {PREFIX}2, ...")
        if tensor.tensor_type.name not in NUMBERS or tensor.data.dtype.kind != "f":
            raise StoreError(f"{path}: {tensor.name} is {tensor.tensor_type.name}, expected F32")
        found[int(number)] = torch.from_numpy(tensor.data.astype("float32")).flatten()
    return found
