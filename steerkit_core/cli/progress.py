"""Progress on standard error: a live display on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from attrs import define, field
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

LINE_EVERY = 10.0


@contextmanager
def make_progress() -> Iterator[LiveProgress | LineProgress]:
    """The display that fits standard error."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield LineProgress(console)
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bars:
        yield LiveProgress(bars)


@define
class LiveProgress:
    """Rich bars: one for each stretch of generation."""

    bars: Progress
    _step: TaskID | None = None

    def step(self, text: str) -> None:
        """Show what is going on until the next step begins."""
        self._finish()
        self._step = self.bars.add_task(text, total=None, rate="")

    @contextmanager
    def track(self, text: str, total: int) -> Iterator[Callable[[int], None]]:
        """A bar with completions, tokens per second and remaining time; none where nothing is to do."""
        self._finish()
        if not total:
            yield lambda _tokens: None
            return
        task = self.bars.add_task(text, total=total, rate="")
        meter = Meter()

        def advance(tokens: int) -> None:
            meter.add(tokens)
            self.bars.update(task, advance=1, rate=f"{meter.rate:,.0f} tokens/s")

        yield advance

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
