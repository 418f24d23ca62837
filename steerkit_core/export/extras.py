"""Packages that only some formats need."""

from importlib.util import find_spec

from steerkit_core.errors import SteerkitError


def need(module: str, extra: str, what: str) -> None:
    """Raise `SteerkitError` where a package that an extra brings is not installed."""
    if find_spec(module) is None:
        raise SteerkitError(f"{what} needs the extra {extra!r}: pip install 'steerkit-core[{extra}]'")
