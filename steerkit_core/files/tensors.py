"""Safetensors files: written in one step, and read with one sentence for what is wrong with them."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

from steerkit_core.errors import StoreError
from steerkit_core.files.atomic import replaced
from steerkit_core.files.reading import unreadable, unwritable

if TYPE_CHECKING:
    from torch import Tensor

LENGTH = 8  # bytes of a safetensors file that say how long its header is


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write a safetensors file, so that a reader never sees half of it.

    Raises:
        StoreError: it cannot be written.
    """
    from safetensors.torch import save

    # copies: safetensors refuses tensors that share memory
    own = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    replace_file(path, save(own, metadata=dict(metadata)))


def replace_file(path: Path, content: bytes) -> None:
    """Replace a file in one step.

    Raises:
        StoreError: it cannot be written.
    """
    with replacing(path) as partial:
        partial.write_bytes(content)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Where to write what then replaces a file in one step.

    Raises:
        StoreError: it cannot be written.
    """
    try:
        with replaced(path) as partial:
            yield partial
    except OSError as error:
        raise StoreError(unwritable(path, error)) from None


def read_header(path: Path) -> tuple[dict[str, object], int]:
    """The header of a safetensors file, and where its numbers begin; nothing here imports torch.

    Raises:
        StoreError: it is missing, or no safetensors file.
    """
    try:
        with path.open("rb") as file:
            (size,) = struct.unpack("<Q", file.read(LENGTH))
            header = json.loads(file.read(min(size, path.stat().st_size)))
    except FileNotFoundError as error:
        raise StoreError(unreadable(path, error)) from None
    except (OSError, ValueError, struct.error) as error:
        raise StoreError(f"{path}: cannot be read as safetensors: {error}") from None
    if not isinstance(header, dict):
        raise StoreError(f"{path}: cannot be read as safetensors: its header is no table")
    return cast("dict[str, object]", header), LENGTH + size


def read_tensors(path: Path, prefix: str = "") -> dict[str, Tensor]:
    """The tensors whose names begin with `prefix`, by the rest of their names.

    Raises:
        StoreError: the file is missing or damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            names = [name for name in file.keys() if name.startswith(prefix)]  # noqa: SIM118  # reason: not a dict
            return {name.removeprefix(prefix): file.get_tensor(name) for name in names}
    except FileNotFoundError as error:
        raise StoreError(unreadable(path, error)) from None
    except (OSError, SafetensorError) as error:
        raise StoreError(f"{path}: cannot be read as safetensors: {error}") from None
