"""What a run says while it goes: what begins, how many completions are made, and which rows are there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from steerkit_core.values import Completion, Verdict

LiveJudge = Callable[[Sequence[Completion]], Sequence[Verdict]]


class CellFacts(Protocol):
    """What is told of a cell that is begun; None is what does not apply, or is not known."""

    @property
    def role(self) -> str | None:
        """`baseline`, `steered` or `control`."""

    @property
    def control(self) -> str | None:
        """Which control it is."""

    @property
    def model(self) -> str | None:
        """The model's id."""

    @property
    def quantization(self) -> str | None:
        """How the model's weights are kept."""

    @property
    def extractor(self) -> str | None:
        """The extractor's name."""

    @property
    def site(self) -> str | None:
        """The site's name."""

    @property
    def classifier(self) -> str | None:
        """The classifier's name."""

    @property
    def layer(self) -> int | None:
        """Where it steers."""

    @property
    def multiplier(self) -> float | None:
        """How strongly it steers."""


class Progress(Protocol):
    """Where the pipeline says what it is doing."""

    def step(self, text: str) -> None:
        """Something begins."""

    def track(self, text: str, total: int) -> AbstractContextManager[Callable[[int], None]]:
        """`total` completions are to be made; call the value once for each, with its number of tokens."""

    def cell(self, id_: str, facts: CellFacts, rows: int, judge: LiveJudge | None) -> None:
        """A cell is to have so many rows, as far as is known. `facts` are its columns.

        `judge` gives verdicts on some of its sound rows at once, and costs nothing: what it has judged is
        not judged again. None where a model would have to be asked.
        """

    def row(self, cell: str, completion: Completion) -> None:
        """A row of a cell is there, just made or kept from an earlier command; told once or more."""


class Silent:
    """A progress that says nothing."""

    def step(self, text: str) -> None:
        """Say nothing."""

    @contextmanager
    def track(self, text: str, total: int) -> Iterator[Callable[[int], None]]:
        """Count nothing."""
        yield lambda _tokens: None

    def cell(self, id_: str, facts: CellFacts, rows: int, judge: LiveJudge | None) -> None:
        """Show nothing."""

    def row(self, cell: str, completion: Completion) -> None:
        """Show nothing."""
