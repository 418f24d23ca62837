"""The texts of a run that has ended, as whoever judges them once more gets them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from attrs import frozen

from steerkit_core.errors import StoreError
from steerkit_core.results.files import COMPLETIONS, RESULTS
from steerkit_core.results.run import KeptRun, read_run
from steerkit_core.results.run_directory import read_completions
from steerkit_core.values import Completion


@frozen
class Text:
    """One text, and the rows of `completions.jsonl` that hold it, each as (cell, prompt id)."""

    completion: Completion
    rows: tuple[tuple[str, str], ...]

    @property
    def pair(self) -> tuple[str, str]:
        """What a person sees: the request and the answer."""
        return self.completion.prompt.text, self.completion.text


@frozen
class Texts:
    """Texts that differ, and how many rows were left out: failed ones, and such as ended early."""

    texts: tuple[Text, ...]
    failed: int
    early: int

    @property
    def rows(self) -> int:
        """How many rows the texts come from; equal ones for equal prompts count once."""
        return sum(len(text.rows) for text in self.texts)


def run_texts(
    folder: Path, cells: Sequence[str] = (), *, early: bool = False, by_score: bool = False
) -> Texts:
    """The texts of a run's cells, in the order of cells and prompts.

    Args:
        folder: the run directory.
        cells: which cells, by the beginnings of their ids; all of them where there is none.
        early: take those too that ended as soon as the run's own judge had decided.
        by_score: keep equal texts apart whose first tokens were not equally likely.

    Raises:
        StoreError: there is no run that has ended, no such cell, or no text is left.
    """
    run = read_run(folder)
    chosen = [run.cell(cell).id for cell in cells] or list(run.results.by_id)
    order = {name: number for number, name in enumerate(dict.fromkeys(chosen))}
    rows = [(key, one) for key, one in read_completions(folder / COMPLETIONS).items() if key[0] in order]
    _check_rows(run, order, rows)
    rows.sort(key=lambda row: order[row[0][0]])
    sound = [row for row in rows if row[1].error is None]
    taken = [row for row in sound if early or row[1].stop != "settled"]
    if not taken:
        raise StoreError(
            f"{folder}: no text to judge: {len(rows) - len(sound)} failed, and {len(sound)} ended as soon"
            " as the run's own judge had decided; take these with --early, or run the recipe again with"
            " generation.full_texts = true"
        )
    return Texts(_distinct(taken, by_score=by_score), len(rows) - len(sound), len(sound) - len(taken))


def _check_rows(
    run: KeptRun, chosen: Mapping[str, int], rows: Iterable[tuple[tuple[str, str], Completion]]
) -> None:
    """Refuse results of a cell of which the texts are not there."""
    there = {cell for (cell, _), _ in rows}
    for entry in run.results.cells:
        if entry.id in chosen and entry.id not in there and entry.rows:
            raise StoreError(
                f"{run.folder / COMPLETIONS}: no completion of cell {entry.id}, which {RESULTS} has: edited"
                " by hand; the command of the run makes what is missing"
            )


def _distinct(rows: Iterable[tuple[tuple[str, str], Completion]], *, by_score: bool) -> tuple[Text, ...]:
    """Equal texts for equal prompts are one."""
    found: dict[tuple[str, str, float | None], list[tuple[tuple[str, str], Completion]]] = {}
    for key, one in rows:
        score = one.score if by_score else None
        found.setdefault((one.prompt.text, one.text, score), []).append((key, one))
    return tuple(Text(same[0][1], tuple(key for key, _ in same)) for same in found.values())
