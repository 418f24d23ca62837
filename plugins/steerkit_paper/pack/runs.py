"""One recipe on one model: run it, resume it, or read what it left behind."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from attrs import field, frozen

from steerkit_core import (
    CellResult,
    KeptRun,
    ModelFacts,
    RunResults,
    SteerkitError,
    find_recipe,
    kept_directions,
    load_recipe,
    read_run,
)
from steerkit_paper.pack.parts import changes_for, count_completions, finished, folder_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

    from steerkit_core import Progress, Recipe, Registry

RUNS = "runs"


@frozen(kw_only=True, eq=False, slots=False)
class Run:
    """What came of a recipe on one model.

    `status`: "run" by this command, all or the rest of it; "kept" from an earlier one; "not run", for the
    `reason`. `generated` counts the completions that this command made, `seconds` what they took.
    """

    recipe: str
    model: str
    folder: Path
    status: Literal["run", "kept", "not run"]
    reason: str = ""
    _kept: KeptRun | None = field(default=None, repr=False)
    completions: int = 0
    generated: int = 0
    seconds: float = 0.0

    @property
    def kept(self) -> KeptRun:
        """What the run left behind; there is nothing of one that was not run."""
        if self._kept is None:
            raise SteerkitError(f"not run: {self.reason}")
        return self._kept

    @property
    def results(self) -> RunResults:
        """What `results.json` holds."""
        return self.kept.results

    @cached_property
    def labels(self) -> dict[str, dict[str, str | None]]:
        """The label of each prompt, by cell; None for a completion that failed."""
        found: dict[str, dict[str, str | None]] = {}
        for row in self.kept.rows():
            found.setdefault(row.cell, {})[row.prompt_id] = row.label
        return found

    def texts(self, cell: str) -> dict[str, str]:
        """What the model wrote in a cell, by prompt."""
        return {row.prompt_id: row.text for row in self.kept.rows(cell)}

    @cached_property
    def models(self) -> dict[str, ModelFacts]:
        """What the run says of each model that it loaded, such as its `num_layers` and `hidden_size`."""
        return {entry.id: entry for entry in self.kept.manifest.models}

    def direction(self, cell: CellResult) -> torch.Tensor:
        """The unit direction of a steered cell, (hidden size,), float64."""
        found = kept_directions(str(self.folder), str(cell.extraction))
        place = found.positions.index(cell.position), found.layers.index(cell.layer)
        return found.directions().units[place].double()


@frozen(kw_only=True)
class Runs:
    """The runs of a pack below one folder; each recipe and model is run once, however many tables ask.

    `display` makes the progress display of one run, if there is to be one.
    """

    registry: Registry
    folder: Path
    display: Callable[[], AbstractContextManager[Progress | None]]
    fresh: bool = False
    _known: dict[tuple[str, str], Run] = field(factory=dict)
    _seen: dict[tuple[str, str], Run] = field(factory=dict)

    def get(self, recipe: str, model: str, what: str) -> Run:
        """Run, resume or read; `what` says on the display for which table."""
        key = recipe, model
        if key not in self._known:
            self._known[key] = self._run(recipe, model, what)
        return self._known[key]

    def read(self, recipe: str, model: str) -> Run:
        """What earlier commands left; nothing is run."""
        key = recipe, model
        if key not in self._known and key not in self._seen:
            self._seen[key] = self._read(recipe, model)
        return self._known.get(key) or self._seen[key]

    def _read(self, recipe: str, model: str) -> Run:
        folder = self._folder(recipe, model)
        try:
            kept = finished(folder, self._load(recipe, model).fingerprint)
        except SteerkitError as error:
            return Run(recipe=recipe, model=model, folder=folder, status="not run", reason=str(error))
        if kept is None:
            return Run(recipe=recipe, model=model, folder=folder, status="not run", reason="not run yet")
        return self._of(recipe, model, kept)

    def _of(self, recipe: str, model: str, kept: KeptRun) -> Run:
        folder = self._folder(recipe, model)
        completions = count_completions(folder)
        return Run(
            recipe=recipe, model=model, folder=folder, status="kept", kept=kept, completions=completions
        )

    def _folder(self, recipe: str, model: str) -> Path:
        return self.folder / RUNS / folder_of(recipe, model)

    def _load(self, recipe: str, model: str) -> Recipe:
        path = find_recipe(recipe, self.registry)
        return load_recipe(path, self.registry, changes_for(path.read_text("utf-8"), model))

    def _run(self, recipe: str, model: str, what: str) -> Run:
        folder = self._folder(recipe, model)
        before, started = count_completions(folder), time.monotonic()
        try:
            checked = self._load(recipe, model)
            kept = None if self.fresh else finished(folder, checked.fingerprint)
            if kept is not None:
                return self._of(recipe, model, kept)
            from steerkit_core import run_recipe  # torch comes with it, and a finished pack needs none

            with self.display() as progress:
                if progress is not None:
                    progress.step(f"{what}: {recipe}, {model}")
                run_recipe(checked, self.registry, folder, fresh=self.fresh, progress=progress)
            kept = read_run(folder)
        except SteerkitError as error:
            reason = " ".join(str(error).splitlines())
            return Run(recipe=recipe, model=model, folder=folder, status="not run", reason=reason)
        after = count_completions(folder)
        return Run(
            recipe=recipe,
            model=model,
            folder=folder,
            status="run",
            kept=kept,
            completions=after,
            generated=after - (0 if self.fresh else before),
            seconds=time.monotonic() - started,
        )
