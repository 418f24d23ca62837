"""Progress on standard error: a live display on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from attrs import define, field
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text

from steerkit_core.cli.cells_table import FillingCell, catch_up, cells_table

if TYPE_CHECKING:
    from steerkit_core.progress import CellFacts, LiveJudge
    from steerkit_core.values import Completion

LINE_EVERY = 10.0
JUDGE_EVERY = 0.5  # seconds between two looks at the rows that are finished
FRAMES = 2  # a second: drawing a table takes some milliseconds, which the run is short of
BARS = 4  # what is going on, and the steps before it; the others are shown again at the end


@contextmanager
def make_progress() -> Iterator[LiveProgress | LineProgress]:
    """The display that fits standard error."""
    console = Console(stderr=True)
    # FORCE_COLOR makes rich take a pipe for a terminal, and a log has no use for what moves
    if not (console.is_terminal and sys.stderr.isatty()):
        yield LineProgress(console)
        return
    one_line = Column(no_wrap=True, overflow="ellipsis", ratio=1)
    columns = (
        SpinnerColumn(finished_text="[green]\u2713[/]"),
        TextColumn("{task.description}", markup=False, table_column=one_line),
        BarColumn(bar_width=max(5, min(30, console.width // 8))),
        TextColumn("{task.fields[rows]}", table_column=Column(no_wrap=True, justify="right")),
        TextColumn("{task.fields[rate]}", table_column=Column(no_wrap=True, justify="right")),
        TimeRemainingColumn(elapsed_when_finished=True, table_column=Column(no_wrap=True)),
    )
    progress = LiveProgress(Progress(*columns, console=console, auto_refresh=False, expand=True))
    with Live(progress, console=console, refresh_per_second=FRAMES):
        try:
            yield progress
        finally:
            progress.close()


@define(eq=False)
class LiveProgress:
    """The cells of a run as they fill, above rich bars: one for each stretch of generation."""

    bars: Progress
    cells: dict[str, FillingCell] = field(factory=dict)
    _step: TaskID | None = None
    _due: float = 0.0
    _closed: bool = False

    def step(self, text: str) -> None:
        """Show what is going on until the next step begins."""
        self._finish()
        self._step = self.bars.add_task(text, total=None, rows="", rate="")
        self._hide_old()

    @contextmanager
    def track(self, text: str, total: int) -> Iterator[Callable[[int], None]]:
        """A bar with completions, tokens per second and remaining time; none where nothing is to do."""
        self._finish()
        if not total:
            yield lambda _tokens: None
            return
        task = self.bars.add_task(text, total=total, rows=f"0/{total}", rate="")
        self._hide_old()
        meter = Meter()

        def advance(tokens: int) -> None:
            meter.add(tokens)
            rows, rate = f"{meter.done}/{total}", f"{meter.rate:,.0f} tokens/s"
            self.bars.update(task, advance=1, rows=rows, rate=rate)

        yield advance
        self._judge()

    def cell(self, id_: str, facts: CellFacts, rows: int, judge: LiveJudge | None) -> None:
        """Put a cell into the table, or give it further rows."""
        known = self.cells.setdefault(id_, FillingCell(id_, facts, rows, judge))
        known.total = rows

    def row(self, cell: str, completion: Completion) -> None:
        """Count a row; every half second those that came are judged."""
        self.cells[cell].add(completion)
        if time.monotonic() >= self._due:
            self._judge()

    def close(self) -> None:
        """Leave only what was done: the results are printed as a table of their own."""
        self._closed = True
        self._finish()
        for task in self.bars.tasks:
            self.bars.update(task.id, visible=True)

    def __rich__(self) -> RenderableType:
        """What is to be seen now, within the terminal's height."""
        if self._closed:
            return self.bars
        size = self.bars.console.size
        table = cells_table(list(self.cells.values()), size.height - BARS - 3, size.width)
        return self.bars if table is None else Group(table, Text(), self.bars)

    def _judge(self) -> None:
        catch_up(self.cells.values())
        self._due = time.monotonic() + JUDGE_EVERY

    def _hide_old(self) -> None:
        for task in self.bars.tasks[:-BARS]:
            self.bars.update(task.id, visible=False)

    def _finish(self) -> None:
        if self._step is not None:
            self.bars.update(self._step, total=1, completed=1)
            self._step = None


@define
class LineProgress:
    """A line for each step, and one every few seconds while completions are made."""

    console: Console

    def step(self, text: str) -> None:
        """Print what begins."""
        self.console.print(text, highlight=False, markup=False)

    @contextmanager
    def track(self, text: str, total: int) -> Iterator[Callable[[int], None]]:
        """Print how far it is, with rate and remaining time; nothing where nothing is to do."""
        if not total:
            yield lambda _tokens: None
            return
        self.console.print(f"{text}: {total} completions", highlight=False, markup=False)
        meter = Meter()
        due = time.monotonic() + LINE_EVERY

        def advance(tokens: int) -> None:
            nonlocal due
            meter.add(tokens)
            if time.monotonic() >= due and meter.done < total:
                due = time.monotonic() + LINE_EVERY
                left = meter.seconds / meter.done * (total - meter.done)
                line = f"  {meter.done} of {total}, {meter.rate:,.0f} tokens/s, about {left:.0f} s left"
                self.console.print(line, highlight=False)

        yield advance
        self.console.print(
            f"  {meter.done} completions in {meter.seconds:.1f} s, {meter.rate:,.0f} tokens/s",
            highlight=False,
        )

    def cell(self, id_: str, facts: CellFacts, rows: int, judge: LiveJudge | None) -> None:
        """Lines tell of completions, not of cells."""

    def row(self, cell: str, completion: Completion) -> None:
        """The same."""


@define
class Meter:
    """Completions and tokens since it was made."""

    started: float = field(factory=time.monotonic)
    done: int = 0
    tokens: int = 0

    def add(self, tokens: int) -> None:
        """One more completion."""
        self.done += 1
        self.tokens += tokens

    @property
    def seconds(self) -> float:
        """Time since the start; never zero."""
        return max(time.monotonic() - self.started, 1e-9)

    @property
    def rate(self) -> float:
        """Tokens per second."""
        return self.tokens / self.seconds
