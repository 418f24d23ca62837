"""STEER: the rows of a group's cells, each generated once and kept for every cell that it belongs to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from attrs import define, field

from steerkit_core.pipeline.steps.group import LoadedGroup
from steerkit_core.pipeline.steps.live import Announcer
from steerkit_core.recipe.options import GenerationOptions
from steerkit_core.steering.cells import Cell
from steerkit_core.values import Completion, Prompt


@define(eq=False)
class Rows:
    """The cells of a group so far, and which of their rows somebody has asked for."""

    loaded: LoadedGroup
    announcer: Announcer
    cells: dict[str, Cell] = field(factory=dict)
    _sharers: dict[str, dict[str, Cell]] = field(factory=dict)
    _asked: dict[str, set[str]] = field(factory=dict)

    def add(self, cell: Cell) -> Cell:
        """Take up a cell, or return the one of its name that exists."""
        self._sharers.setdefault(cell.source, {})[cell.id] = cell
        self.loaded.store.append_cell(cell.begun)
        return self.cells.setdefault(cell.id, cell)

    def complete(self, cells: Sequence[Cell], text: str, prompts: Sequence[Prompt] | None = None) -> None:
        """STEER: generate every row of the cells that the run does not have yet, or those of some prompts.

        Cells of one source share their completions: a row is generated once and kept for each of them that
        was asked for it.
        """
        self._ask(cells, prompts)
        for cell in cells:
            self.announcer.announce(cell, self._asked[cell.id])
        wanted = self._missing(cells, prompts)
        by_options: dict[GenerationOptions, list[tuple[Cell, Prompt]]] = {}
        for cell, prompt in wanted.values():
            by_options.setdefault(cell.setting.generation, []).append((cell, prompt))
        with self.loaded.progress.track(text, len(wanted)) as advance:
            for options, missing in by_options.items():
                self._generate(options, missing, advance)

    def fail(self, cell: Cell, reason: str) -> None:
        """Keep a failed row for every prompt of a cell that nothing can be generated for."""
        store = self.loaded.store
        for prompt in cell.prompts.prompts:
            if (cell.id, prompt.id) not in store.completions:
                store.append(cell.id, Completion(prompt, "", 0, "failed", reason))
        self._ask([cell])

    def completions(self, cell: Cell, prompts: Sequence[Prompt] | None = None) -> list[Completion]:
        """The cell's completions that were asked for, or those of some prompts, in the set's order."""
        chosen = self._asked[cell.id] if prompts is None else {prompt.id for prompt in prompts}
        return [
            self.loaded.store.completions[cell.id, prompt.id]
            for prompt in cell.prompts.prompts
            if prompt.id in chosen
        ]

    def _ask(self, cells: Iterable[Cell], prompts: Sequence[Prompt] | None = None) -> None:
        """Note which rows belong to the cells' results.

        What the run directory holds besides, such as rows of a run that was killed later than this, is
        not counted: a selector that ends cells early would then decide otherwise.
        """
        for cell in cells:
            chosen = cell.prompts.prompts if prompts is None else prompts
            self._asked.setdefault(cell.id, set()).update(prompt.id for prompt in chosen)

    def _missing(
        self, cells: Iterable[Cell], prompts: Sequence[Prompt] | None
    ) -> Mapping[tuple[str, str], tuple[Cell, Prompt]]:
        """The rows to be generated, by source and prompt; what a cell of the same source has is kept."""
        wanted: dict[tuple[str, str], tuple[Cell, Prompt]] = {}
        for cell in cells:
            for prompt in cell.prompts.prompts if prompts is None else prompts:
                if (cell.id, prompt.id) not in self.loaded.store.completions:
                    made = self._made(cell, prompt)
                    if made is None:
                        wanted[cell.source, prompt.id] = (cell, prompt)
                    else:
                        self._keep(cell, made)
        return wanted

    def _made(self, cell: Cell, prompt: Prompt) -> Completion | None:
        """The completion that another cell of the same source has already."""
        kept, sharers = self.loaded.store.completions, self._sharers[cell.source].values()
        found = (kept.get((other.id, prompt.id)) for other in sharers)
        return next((completion for completion in found if completion is not None), None)

    def _generate(
        self,
        options: GenerationOptions,
        missing: Sequence[tuple[Cell, Prompt]],
        advance: Callable[[int], None],
    ) -> None:
        """Generate rows that have the same options, and keep each as soon as it is written."""
        from steerkit_core.generation import Row, completion, generate

        model = self.loaded.model
        rows = [
            Row(
                prompt,
                cell.intervention,
                cell.source,
                _settled(cell, prompt),
                cell.reading.enough,
                cell.reading.watch,
            )
            for cell, prompt in missing
        ]
        for index, written in generate(model, rows, options, self.loaded.seed):
            cell, prompt = missing[index]
            made = completion(model, prompt, written)
            for sharer in self._sharers[cell.source].values():
                if prompt.id in self._asked.get(sharer.id, ()):
                    self._keep(sharer, made)
            advance(made.tokens)

    def _keep(self, cell: Cell, completion: Completion) -> None:
        self.loaded.store.append(cell.id, completion)
        self.loaded.progress.row(cell.id, completion)


def _settled(cell: Cell, prompt: Prompt) -> Callable[[str], bool] | None:
    """How to ask the cell's judge whether a text may end; None where texts are written to their end."""
    return partial(cell.setting.classifier.settled, prompt) if cell.ends_early else None
