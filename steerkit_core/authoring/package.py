"""A whole package for a new plugin, from templates that ship with steerkit."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

import jinja2

from steerkit_core.authoring.names import Names
from steerkit_core.errors import SteerkitError
from steerkit_core.files.reading import unwritable


def package_files(names: Names) -> dict[str, str]:
    """The files of a package, by their paths inside it."""
    layout = {
        "pyproject.toml": "pyproject.toml",
        f"{names.module}.py": f"{names.slug}.py",
        "tests/test_contract.py": f"test_{names.slug}.py",
        "recipe.toml": "recipe.toml",
        "README.md": "README.md",
        ".gitignore": "gitignore",
    }
    return {path: _rendered(template, names) for path, template in layout.items()}


def _rendered(template: str, names: Names) -> str:
    source = files("steerkit_core.authoring").joinpath("templates", f"{template}.jinja")
    environment = jinja2.Environment(  # noqa: S701  # reason: these are no web pages
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    series = ".".join(version("steerkit-core").split(".")[:2])
    return environment.from_string(source.read_text(encoding="utf-8")).render(names=names, version=series)


def write_package(found: Mapping[str, str], folder: Path) -> None:
    """Write a package into a folder that is new or empty.

    Raises:
        SteerkitError: there is something in it, it is none, or it cannot be written.
    """
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise SteerkitError(f"{folder} already exists: name another folder with --out")
        for path, text in found.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SteerkitError(unwritable(folder, error)) from None
