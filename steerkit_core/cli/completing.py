"""What a shell is offered while a command line is typed. Nothing here loads a model or imports torch.

What cannot be found out is not offered: a half typed line is no place for messages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from steerkit_core.cli.application import application_of, run_folder
from steerkit_core.errors import SteerkitError

if TYPE_CHECKING:
    from steerkit_core.plugin.registry import Registry
    from steerkit_core.results.cells import CellResult

TABLE_OF = {
    "extractor": "extractor",
    "selector": "selector",
    "site": "site",
    "classifier": "classifier",
}


def recipes(context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Shipped recipes by name, and TOML files."""
    registry = _registry(context)
    shipped = [CompletionItem(name) for name in sorted(registry.recipes) if name.startswith(typed)]
    return [*shipped, *_paths(typed, lambda path: path.suffix == ".toml")]


def runs(_context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Runs below `runs/` by name, and run directories by path."""
    named = sorted(path.name for path in Path("runs").glob("*") if _is_run(path))
    found = [CompletionItem(name) for name in named if name.startswith(typed)]
    return [*found, *_paths(typed, _is_run)]


def cells(context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Cells of the run that was typed before, each with what it is."""
    from steerkit_core.results.files import read_results

    # `--cell` without its value ends click's parsing before the arguments have their names
    run = context.params.get("run") or next(iter(context.args), None)
    if run is None:
        return []
    try:
        results = read_results(run_folder(Path(run)))
    except SteerkitError:
        return []  # the command itself says what is wrong with it
    return [
        CompletionItem(cell.id, help=_what(cell)) for cell in results.cells if cell.id.startswith(typed)
    ]


def components(context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Names of installed components, each with its kind."""
    return [
        CompletionItem(name, help=word)
        for word, name, _ in _registry(context)
        if name.startswith(typed) and word != "model adapter"
    ]


def classifiers(context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Names of classifiers, the last of a list with commas."""
    before, comma, word = typed.rpartition(",")
    names = _registry(context).names("classifier")
    return [CompletionItem(f"{before}{comma}{name}") for name in names if name.startswith(word)]


def changes(context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """`table.use=name` for every installed component."""
    registry = _registry(context)
    lines = [
        f"{TABLE_OF[word]}.use={name}"
        for word in TABLE_OF
        for name in sorted(registry.entries.get(word, ()))
    ]
    return [CompletionItem(line) for line in lines if line.startswith(typed)]


def _registry(context: click.Context) -> Registry:
    return application_of(context.find_root()).registry


def _is_run(path: Path) -> bool:
    return (path / "manifest.json").is_file()


def _paths(typed: str, wanted: Callable[[Path], bool]) -> Iterator[CompletionItem]:
    """Paths that continue what was typed: those wanted, and folders on the way to them."""
    folder = typed[: typed.rfind("/") + 1]
    try:
        entries = sorted(Path(folder or ".").iterdir())
    except OSError:
        return
    for path in entries:
        shown = f"{folder}{path.name}"
        if not shown.startswith(typed) or path.name.startswith("."):
            continue
        if wanted(path):
            yield CompletionItem(shown)
        elif path.is_dir():
            yield CompletionItem(f"{shown}/")


def _what(cell: CellResult) -> str:
    if cell.role == "baseline":
        return "baseline"
    strength = "" if cell.multiplier is None else f", multiplier {cell.multiplier:g}"
    return f"{cell.control or ''} layer {cell.layer}{strength}".strip()
