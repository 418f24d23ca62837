"""Trials of a selector, what became of them, and its choice."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen


@frozen
class Trial:
    """One way to steer that a selector wants to see tried; None means the site's own multiplier."""

    layer: int
    position: int
    multiplier: float | None = None


@frozen
class Outcome:
    """What became of a trial on the selection prompts that were asked.

    `clusters` is there where completions of one prompt were sampled several times, which agree more than
    those of different prompts: by label, for each prompt, how many of its completions have the label and
    how many have a verdict, as `clustered_wilson` takes them.
    """

    trial: Trial
    counts: Mapping[str, int]
    failed: int = 0
    clusters: Mapping[str, tuple[tuple[int, int], ...]] = field(factory=dict, eq=False)

    @property
    def judged(self) -> int:
        """How many completions have a verdict."""
        return sum(self.counts.values())

    @property
    def asked(self) -> int:
        """On how many prompts the trial was made: those with a verdict, and those that failed."""
        return self.judged + self.failed

    @property
    def has_failed(self) -> bool:
        """Whether at least half of the completions failed, so that the rest says nothing."""
        return self.failed > 0 and self.failed >= self.judged

    def rate(self, label: str) -> float:
        """Share of the judged completions with `label`; 0 where nothing could be judged."""
        return self.counts.get(label, 0) / self.judged if self.judged else 0.0


@frozen
class Selection:
    """Where to steer, and how a selector came to it.

    `table` has one flat row per candidate, in the selector's own columns, the best first; it is kept in the
    run and shown in this order. A column `excluded` says why a candidate was left out, if it was.
    """

    layer: int
    position: int
    multiplier: float | None = None
    reason: str = ""
    table: tuple[Mapping[str, object], ...] = ()
