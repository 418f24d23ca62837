"""Layer selector `cosmic` (Siu et al., 2025)."""

from steerkit_contrib_cosmic.selector import Cosmic
from steerkit_core import LayerSelector, hookimpl


@hookimpl
def steerkit_register_layer_selectors() -> list[type[LayerSelector]]:
    """Bring `cosmic`."""
    return [Cosmic]
