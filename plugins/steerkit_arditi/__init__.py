"""Layer selector `arditi`: bypass, induce, KL (Arditi et al., 2024)."""

from steerkit_arditi.selector import Arditi
from steerkit_core import LayerSelector, hookimpl


@hookimpl
def steerkit_register_layer_selectors() -> list[type[LayerSelector]]:
    """Bring `arditi`."""
    return [Arditi]
