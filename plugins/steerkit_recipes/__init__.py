"""Recipes of general use that ship with steerkit, run by name: `steerkit run quickstart`."""

from pathlib import Path

from steerkit_core import hookimpl

FOLDER = Path(__file__).parent / "recipes"


@hookimpl
def steerkit_register_recipes() -> list[Path]:
    """Bring every recipe of the folder."""
    return sorted(FOLDER.glob("*.toml"))
