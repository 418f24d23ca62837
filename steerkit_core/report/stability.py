"""`steerkit stability` and `steerkit rank` on a console."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from steerkit_core.report.layout import plain_table

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

TITLES = {
    "halves": "two draws without a prompt in common",
    "bootstrap": "a bootstrap draw and the whole set",
    "independent": "a draw from each of two sets",
}
TOLD_APART = 0.65  # an AUC below it is near what no difference gives, with a handful of pairs left out
WHICH = ("model", "quantization", "extractor", "options", "contrast", "against", "position")


def by_source(
    entries: Iterable[Mapping[str, Any]],
) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    """The entries of each model, extractor, contrast set and position, with a heading."""

    def which(entry: Mapping[str, Any]) -> list[Any]:
        return [entry.get(name) for name in WHICH]

    # entries of several positions stand position by position already, so that groups are unbroken
    for _, group in itertools.groupby(entries, which):
        found = list(group)
        first = found[0]
        against = f" against {first['against']}" if first.get("against") else ""
        heading = (
            f"{first['model']} ({first['quantization']}), {first['extractor']} at token"
            f" {first['position']}, {first['contrast']}{against}"
        )
        yield heading, found


def print_stability(report: Mapping[str, Any], console: Console) -> None:
    """A table of mean cosines for each kind, and what it means for the threshold."""
    threshold = report["threshold"]
    for heading, entries in by_source(report["curves"]):
        console.print(f"\n[bold]{_escaped(heading)}[/]", soft_wrap=True)
        for kind, title in TITLES.items():
            if kind in entries[0]["reached"]:
                _titled(title, _cosines(kind, entries, threshold), console)
        console.print()
        for sentence in verdicts(entries, threshold):
            console.print(sentence, markup=False, soft_wrap=True)


def _cosines(kind: str, entries: Sequence[Mapping[str, Any]], threshold: float) -> Table:
    sizes = [point["size"] for point in entries[0]["points"] if point["kind"] == kind]
    halves = kind == "halves"
    names = ["layer", *(f"n = {size}" for size in sizes), *["doubled"] * halves, f"{threshold:g} at"]
    table = _table([*names, *["predicted"] * halves])
    for entry in entries:
        points = [point for point in entry["points"] if point["kind"] == kind]
        row = [str(entry["layer"]), *(_shown(point["mean"], threshold) for point in points)]
        reached = entry["reached"][kind]
        row += [_shown(points[-1]["doubled"], threshold)] if halves else []
        row += ["not reached" if reached is None else str(reached)]
        row += [_count(entry["predicted"])] if halves else []
        table.add_row(*row)
    return table


def verdicts(entries: Sequence[Mapping[str, Any]], threshold: float) -> list[str]:
    """In words: how many layers reach the threshold, for each kind."""
    said = []
    for kind, title in TITLES.items():
        last = [[p for p in entry["points"] if p["kind"] == kind][-1:] for entry in entries]
        means = [point[0]["mean"] for point in last if point and point[0]["mean"] is not None]
        if not means:
            continue
        size = last[0][0]["size"]
        above = sum(mean >= threshold for mean in means)
        said.append(
            f"{title}, {size} prompts of each class: {above} of {len(entries)} layers reach {threshold:g},"
            f" cosines {min(means):.3f} to {max(means):.3f}"
        )
    return said


def print_rank(report: Mapping[str, Any], console: Console) -> None:
    """Tables of spectra, and of AUCs with the first k directions and without them."""
    for heading, entries in by_source(report["ranks"]):
        console.print(f"\n[bold]{_escaped(heading)}[/]", soft_wrap=True)
        names = ("layer", "1st", "first 4", "effective rank", "participation", "centred: 1st", "eff. rank")
        table = _table(names)
        for entry in entries:
            raw, centred = entry["raw"], entry["centred"]
            table.add_row(
                str(entry["layer"]),
                f"{100 * raw['shares'][0]:.0f}%",
                f"{100 * sum(raw['shares'][:4]):.0f}%",
                f"{raw['effective_rank']:.1f}",
                f"{raw['participation']:.1f}",
                f"{100 * centred['shares'][0]:.0f}%",
                f"{centred['effective_rank']:.1f}",
            )
        _titled("spread of the pairs' differences", table, console)
        sizes = [str(one["k"]) for one in entries[0]["separation"]]
        table = _table(("layer", "whole", "need", *sizes))
        for entry in entries:
            cells = [f"{one['first']:.2f}" for one in entry["separation"]]
            table.add_row(str(entry["layer"]), f"{entry['whole']:.3f}", _count(entry["needed"]), *cells)
        _titled(
            "AUC on pairs left out, with the first k directions; need: the k that does as well",
            table,
            console,
        )
        table = _table(("layer", *sizes))
        for entry in entries:
            table.add_row(str(entry["layer"]), *(f"{one['rest']:.2f}" for one in entry["separation"]))
        _titled("AUC on pairs left out, of what remains without them", table, console)
        console.print()
        for sentence in rank_verdicts(entries):
            console.print(sentence, markup=False, soft_wrap=True)


def rank_verdicts(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """In words: how many directions the layers need at which the classes can be told apart at all."""
    told = [entry for entry in entries if entry["whole"] >= TOLD_APART]
    said = []
    if told:
        known = [entry["needed"] for entry in told if entry["needed"] is not None]
        most = f"the most that one needs is {max(known)}" if known else "none that was tried is enough"
        said.append(
            f"{len(told)} of {len(entries)} layers tell pairs left out apart (AUC of at least"
            f" {TOLD_APART:g}):"
            f" {known.count(1)} need one direction, {most}"
            + (f", {len(told) - len(known)} more than was tried" if 0 < len(known) < len(told) else "")
        )
    if len(told) < len(entries):
        layers = ", ".join(str(entry["layer"]) for entry in entries if entry["whole"] < TOLD_APART)
        said.append(
            f"at the others, {layers}, there is hardly a difference whose rank could mean something"
        )
    return said


def _table(names: Sequence[str]) -> Table:

    table = plain_table()
    for name in names:
        table.add_column(name, justify="right")
    return table


def _titled(title: str, table: Table, console: Console) -> None:
    # a table's own title is folded to its width
    console.print(f"\n{title}", markup=False, soft_wrap=True)
    console.print(table)


def _shown(cosine: float | None, threshold: float) -> str:
    if cosine is None:
        return "-"
    return f"[bold]{cosine:.3f}[/]" if cosine >= threshold else f"{cosine:.3f}"


def _count(number: int | None) -> str:
    return "-" if number is None else str(number)


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)
