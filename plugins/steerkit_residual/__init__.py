"""Sites on the residual stream: `residual-add`, `residual-ablate`."""

from steerkit_core import Site, hookimpl
from steerkit_residual.ablate import ResidualAblate
from steerkit_residual.add import ResidualAdd


@hookimpl
def steerkit_register_sites() -> list[type[Site]]:
    """Bring `residual-add` and `residual-ablate`."""
    return [ResidualAdd, ResidualAblate]
