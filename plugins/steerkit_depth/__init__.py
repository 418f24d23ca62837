"""Layer selectors: by depth, by trying cells out, and by how well the classes are told apart."""

from steerkit_core import LayerSelector, hookimpl
from steerkit_depth.adaptive import Adaptive
from steerkit_depth.family import FamilyDepth
from steerkit_depth.given import Depth, Fixed
from steerkit_depth.separation import Separation
from steerkit_depth.sweep import Sweep


@hookimpl
def steerkit_register_layer_selectors() -> list[type[LayerSelector]]:
    """Bring all of them."""
    return [Adaptive, Depth, FamilyDepth, Fixed, Separation, Sweep]
