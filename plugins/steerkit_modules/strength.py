"""How long the added vector is, in every unit."""

from __future__ import annotations

from typing import Literal

from steerkit_core import Steering

Unit = Literal["absolute", "residual", "raw"]


def length_of(steering: Steering, unit: Unit, raw_norm: float) -> float:
    """The signed length of what is added, for a direction that was `raw_norm` long."""
    scales = {"absolute": 1.0, "residual": steering.residual_norms[steering.layer], "raw": raw_norm}
    return steering.multiplier * scales[unit]
