"""JUDGE: verdicts on the rows of a group's cells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attrs import frozen

from steerkit_core.components import Classifier
from steerkit_core.pipeline.steps.group import LoadedGroup
from steerkit_core.pipeline.steps.steer import Rows
from steerkit_core.steering.cells import Cell
from steerkit_core.values import Completion, Prompt, Verdict


@frozen(eq=False)
class Verdicts:
    """What the judges of a group's configurations say of their cells' rows."""

    loaded: LoadedGroup
    rows: Rows

    def judge_all(self, cells: Iterable[Cell], prompts: Sequence[Prompt] | None = None) -> None:
        """JUDGE: ask every classifier for all texts at once that it has not seen.

        Raises:
            SteerkitError: a classifier needs a model that cannot be had, or gave no proper verdict.
        """
        by_classifier: dict[Classifier, list[Completion]] = {}
        for cell in cells:
            by_classifier.setdefault(cell.setting.classifier, []).extend(
                one for one in self.rows.completions(cell, prompts) if one.error is None
            )
        judges = self.loaded.judges
        for classifier, completions in by_classifier.items():
            missing = judges.missing(classifier, completions)
            with (
                self.loaded.progress.track(f"judging: {classifier.name}", missing) as advance,
                self.loaded.blamed("classifier", classifier),
            ):
                judges.judge(classifier, completions, advance)

    def judge(
        self, cell: Cell, prompts: Sequence[Prompt] | None = None
    ) -> list[tuple[Completion, Verdict | None]]:
        """The cell's completions with their verdicts, or those of some prompts, in the set's order.

        A failed row has no verdict, and rows that nobody asked for are left out.
        """
        self.judge_all([cell], prompts)
        completions = self.rows.completions(cell, prompts)
        sound = [completion for completion in completions if completion.error is None]
        verdicts = iter(self.loaded.judges.judge(cell.setting.classifier, sound))
        return [(one, next(verdicts) if one.error is None else None) for one in completions]
