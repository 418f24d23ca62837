"""Tell whoever watches a run which cells are being filled, and how their rows may be judged at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial

from attrs import define, field

from steerkit_core.components import Classifier
from steerkit_core.pipeline.steps.group import LoadedGroup
from steerkit_core.progress import LiveJudge
from steerkit_core.steering.cells import Cell
from steerkit_core.values import Completion, Verdict


@define(eq=False)
class Announcer:
    """Announces cells to the run's progress, with one live judge for each classifier."""

    loaded: LoadedGroup
    _judges: dict[Classifier, LiveJudge | None] = field(factory=dict)

    def announce(self, cell: Cell, asked: Collection[str]) -> None:
        """Say that a cell is to be filled, and which of its rows are done."""
        progress, kept = self.loaded.progress, self.loaded.store.completions
        progress.cell(cell.id, cell.begun, len(asked), self._judge_of(cell.setting.classifier))
        for prompt_id in asked:
            if (cell.id, prompt_id) in kept:
                progress.row(cell.id, kept[cell.id, prompt_id])

    def _judge_of(self, classifier: Classifier) -> LiveJudge | None:
        """The same function each time; None where a model would have to be asked."""
        if classifier not in self._judges:
            self._judges[classifier] = None if classifier.models else partial(self._judge_now, classifier)
        return self._judges[classifier]

    def _judge_now(self, classifier: Classifier, completions: Sequence[Completion]) -> list[Verdict]:
        with self.loaded.blamed("classifier", classifier):
            return self.loaded.judges.judge(classifier, completions)
