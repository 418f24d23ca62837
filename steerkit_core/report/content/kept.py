"""The directions that a run has kept, as numbers, without torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import frozen

from steerkit_core.errors import StoreError
from steerkit_core.results.files import DIRECTIONS

if TYPE_CHECKING:
    from numpy.typing import NDArray


@frozen(eq=False)
class KeptLayers:
    """The directions of one extraction at one position, layer by layer.

    `norms` are their lengths before normalising, `residual` the mean lengths of the residual stream, and
    `cosines` the cosines between layers, (layers, layers), NaN where a direction has no length.
    """

    key: str
    position: int
    layers: tuple[int, ...]
    norms: tuple[float, ...]
    residual: tuple[float, ...]
    cosines: NDArray[Any]


def kept_layers(folder: Path, key: str, position: int) -> KeptLayers | None:
    """What `directions.safetensors` holds of an extraction; None where it does not hold it.

    Raises:
        StoreError: the file is damaged.
    """
    import numpy as np
    from safetensors import SafetensorError, safe_open

    target = folder / DIRECTIONS
    if not target.is_file():
        return None
    try:
        with safe_open(target, framework="np") as file:
            facts: Mapping[str, str] = file.metadata() or {}
            if key not in facts:
                return None
            found = json.loads(facts[key])
            if position not in found["positions"]:
                return None
            at = found["positions"].index(position)
            units = file.get_slice(f"{key}.units")[at : at + 1][0].astype(np.float64)
            norms = file.get_tensor(f"{key}.raw_norms")[at]
            residual = file.get_tensor(f"{key}.residual_norms")
    except (SafetensorError, ValueError, KeyError, OSError) as error:
        raise StoreError(f"{target}: damaged ({error}): give the run's command again") from None
    with np.errstate(invalid="ignore"):
        cosines = np.clip(units @ units.T, -1.0, 1.0)
    cosines[~(np.linalg.norm(units, axis=1) > 0)] = np.nan
    cosines[:, ~(np.linalg.norm(units, axis=1) > 0)] = np.nan
    return KeptLayers(
        key,
        position,
        tuple(found["layers"]),
        tuple(map(float, norms)),
        tuple(map(float, residual)),
        cosines,
    )
