"""Layer selectors that need to know a model's depth only: `fixed`, `depth`, `sweep`."""

from steerkit_core import LayerSelector, hookimpl
from steerkit_depth.given import Depth, Fixed
from steerkit_depth.sweep import Sweep


@hookimpl
def steerkit_register_layer_selectors() -> list[type[LayerSelector]]:
    """Bring `fixed`, `depth` and `sweep`."""
    return [Fixed, Depth, Sweep]
