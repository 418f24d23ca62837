"""What a reader of a run's rates has to know."""

from __future__ import annotations

from collections.abc import Sequence

from steerkit_core.counting.best_cell import among_settings
from steerkit_core.results.cells import CellResult
from steerkit_core.results.findings import SelectionResult


def run_notes(selections: Sequence[SelectionResult], cells: Sequence[CellResult]) -> list[str]:
    """One sentence for everything that inflates or clusters the rates of a run."""
    return [*_of_repeats(cells), *_of_selections(selections)]


def _of_repeats(cells: Sequence[CellResult]) -> list[str]:
    """Completions that repeat a prompt, greedy ones and sampled ones."""
    repeats = [0, 0]
    for cell in cells:
        temperature = cell.options["generation"]["temperature"]
        sampled = isinstance(temperature, int | float) and temperature > 0
        repeats[sampled] += cell.n - cell.n_unique
    notes: list[str] = []
    folded, drawn = repeats
    if folded:
        notes.append(
            f"{folded} completions repeat a prompt of their cell; rates and intervals count each prompt"
            " once, with the label that most of its completions have."
        )
    if drawn:
        notes.append(
            f"{drawn} sampled completions repeat a prompt of their cell; rates count each completion,"
            " and intervals are clustered by prompt. Cells are compared by each prompt's share."
        )
    return notes


def _of_selections(selections: Sequence[SelectionResult]) -> list[str]:
    """What was chosen on the very prompts that it is measured on."""
    notes: list[str] = []
    chosen = [entry for entry in selections if entry.selected_on_evaluation]
    if shared := [entry for entry in chosen if entry.shared_prompts]:
        candidates = max(len(entry.tried) or len(entry.table) for entry in shared)
        most = max(entry.shared_prompts for entry in shared)
        notes.append(
            f"The selector chose the best of {candidates} cells on prompts of which {most} are evaluation"
            " prompts too, which inflates the winner's rate; name a held-out set in prompts.selection."
        )
    if len(shared) < len(chosen):
        notes.append(
            "The selector read evaluation prompts, which are in the contrast or the validation set too, and"
            " this may favour what it chose; keep these sets apart from prompts.evaluation."
        )
    usable = [entry for entry in selections if not entry.failed]
    if among_settings(usable):
        notes.append(
            f"The best of {len(usable)} configurations was picked by its rate on the evaluation prompts,"
            " which inflates that rate."
        )
    return notes
