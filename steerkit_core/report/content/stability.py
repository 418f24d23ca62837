"""What `steerkit stability` and `steerkit rank` have found, in words."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from steerkit_core.extraction.rank import Rank, RankEntry
from steerkit_core.extraction.stability import Curve, Kind, StabilityEntry

TITLES: dict[Kind, str] = {
    "halves": "two draws without a prompt in common",
    "bootstrap": "a bootstrap draw and the whole set",
    "independent": "a draw from each of two sets",
}
TOLD_APART = 0.65  # an AUC below it is near what no difference gives, with a handful of pairs left out
Entry = TypeVar("Entry", bound=StabilityEntry | RankEntry)


def by_source(entries: Iterable[Entry]) -> Iterator[tuple[str, list[Entry]]]:
    """The entries of each model, extractor, contrast set and position, with a heading."""

    def which(entry: Entry) -> list[object]:
        source = (entry.model, entry.quantization, entry.extractor, entry.options, entry.contrast)
        return [*source, _against(entry), entry.position]

    # entries of several positions stand position by position already, so that groups are unbroken
    for _, group in itertools.groupby(entries, which):
        found = list(group)
        first = found[0]
        heading = (
            f"{first.model} ({first.quantization}), {first.extractor} at token {first.position},"
            f" {first.contrast}{_against(first)}"
        )
        yield heading, found


def _against(entry: StabilityEntry | RankEntry) -> str:
    if isinstance(entry, RankEntry) or entry.against is None:
        return ""
    return f" against {entry.against}"


def verdicts(entries: Sequence[Curve], threshold: float) -> list[str]:
    """In words: how many layers reach the threshold, for each kind."""
    said = []
    for kind, title in TITLES.items():
        last = [[p for p in entry.points if p.kind == kind][-1:] for entry in entries]
        means = [point.mean for points in last for point in points if point.mean is not None]
        if not means:
            continue
        size = last[0][0].size
        above = sum(mean >= threshold for mean in means)
        said.append(
            f"{title}, {size} prompts of each class: {above} of {len(entries)} layers reach {threshold:g},"
            f" cosines {min(means):.3f} to {max(means):.3f}"
        )
    return said


def rank_verdicts(entries: Sequence[Rank]) -> list[str]:
    """In words: how many directions the layers need at which the classes can be told apart at all."""
    told = [entry for entry in entries if entry.whole >= TOLD_APART]
    said = []
    if told:
        known = [entry.needed for entry in told if entry.needed is not None]
        most = f"the most that one needs is {max(known)}" if known else "none that was tried is enough"
        said.append(
            f"{len(told)} of {len(entries)} layers tell pairs left out apart (AUC of at least"
            f" {TOLD_APART:g}):"
            f" {known.count(1)} need one direction, {most}"
            + (f", {len(told) - len(known)} more than was tried" if 0 < len(known) < len(told) else "")
        )
    if len(told) < len(entries):
        layers = ", ".join(str(entry.layer) for entry in entries if entry.whole < TOLD_APART)
        said.append(
            f"at the others, {layers}, there is hardly a difference whose rank could mean something"
        )
    return said
