"""Every hook, with its contract. A plugin implements those it needs with `@steerkit_core.hookimpl`.

An implementation may take any subset of a hook's arguments. Components are returned as classes, never
as instances: options come from the recipe.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pluggy

from steerkit_core.components import (
    Classifier,
    Extractor,
    LayerSelector,
    Model,
    ModelAdapter,
    ModelSpec,
    PromptSet,
    Site,
)

if TYPE_CHECKING:
    import click


PROJECT = "steerkit"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class RunRecipe(Protocol):
    """A checked recipe, as observers of a run see it."""

    @property
    def text(self) -> str:
        """The recipe as it is kept in the run directory, with the changes of `--set`."""

    @property
    def document(self) -> Mapping[str, object]:
        """The text, parsed."""

    @property
    def source(self) -> str:
        """The file that it came from."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what it says."""


@hookspec
def steerkit_register_extractors() -> Iterable[type[Extractor]]:
    """Extractor classes of this plugin. Called once per process, before the recipe is read."""


@hookspec
def steerkit_register_layer_selectors() -> Iterable[type[LayerSelector]]:
    """Layer selector classes of this plugin. Called once per process, before the recipe is read."""


@hookspec
def steerkit_register_sites() -> Iterable[type[Site]]:
    """Site classes of this plugin. Called once per process, before the recipe is read."""


@hookspec
def steerkit_register_classifiers() -> Iterable[type[Classifier]]:
    """Classifier classes of this plugin. Called once per process, before the recipe is read."""


@hookspec
def steerkit_register_model_adapters() -> Iterable[type[ModelAdapter]]:
    """Model adapter classes of this plugin. Called once per process, before the recipe is read."""


@hookspec
def steerkit_register_prompt_sets() -> Iterable[type[PromptSet]]:
    """Prompt set classes of this plugin. Called once per process, before the recipe is read."""


@hookspec
def steerkit_register_recipes() -> Iterable[Path]:
    """Recipe files that this plugin ships; each is run by its file name without `.toml`.

    Called once per process. A name that two plugins ship is refused, naming both.
    """


@hookspec
def steerkit_add_commands(group: click.Group) -> None:
    """Add commands to `steerkit`. Called once per command line; must not import torch."""


@hookspec(firstresult=True)
def steerkit_locate_model(id: str) -> Path | None:  # noqa: A002  # reason: the recipe's own word
    """The folder that a model id stands for, such as `bundled:qwen2-s`; None for an id not yours.

    Called for every model of a recipe while it is checked, before torch is imported, so it must be
    quick and touch no network. Raise `ModelError` for an id that is yours and does not exist. An id that
    nobody locates is a local folder or, failing that, the name of a repository on the hub.
    """


@hookspec(firstresult=True)
def steerkit_load_model(
    spec: ModelSpec, adapters: Sequence[ModelAdapter], folder: Path | None
) -> Model | None:
    """Load a model in a way of your own; None leaves it to the next plugin.

    `folder` is what `steerkit_locate_model` and the core found for the id; None means the hub.

    Called once for every model that a run needs. The core's own implementation is asked last and
    serves hub repositories and folders.
    """


@hookspec
def steerkit_run_started(recipe: RunRecipe, out: Path) -> None:
    """A run begins or resumes in the folder `out`. Called once per run, before a model is loaded."""


@hookspec
def steerkit_cell_finished(cell: dict[str, object], out: Path) -> None:
    """A cell is complete and judged. `cell` is its entry of `results.json`.

    Called once per cell and command, when all cells of its model are done; a resumed run reports those
    again that were there already.
    """


@hookspec
def steerkit_run_finished(report: dict[str, object], out: Path) -> None:
    """All files of the run are written. `report` is what `results.json` holds. Called once per run."""
