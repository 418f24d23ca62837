"""`steerkit stability` and `steerkit rank` on a console."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

TITLES = {
    "halves": "two draws without a prompt in common",
    "bootstrap": "a bootstrap draw and the whole set",
    "independent": "a draw from each of two sets",
}
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
                console.print()
                console.print(_cosines(kind, title, entries, threshold))
        console.print()
        for sentence in verdicts(entries, threshold):
            console.print(sentence, markup=False, soft_wrap=True)


def _cosines(kind: str, title: str, entries: Sequence[Mapping[str, Any]], threshold: float) -> Any:
    from rich.table import Table

    sizes = [point["size"] for point in entries[0]["points"] if point["kind"] == kind]
    table = Table(title=title, title_justify="left", box=None, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("layer", justify="right")
    for size in sizes:
        table.add_column(f"n = {size}", justify="right")
    if kind == "halves":
        table.add_column("doubled", justify="right")
    table.add_column(f"{threshold:g} at", justify="right")
    if kind == "halves":
        table.add_column("predicted", justify="right")
    for entry in entries:
        points = [point for point in entry["points"] if point["kind"] == kind]
        row = [str(entry["layer"]), *(_shown(point["mean"], threshold) for point in points)]
        reached = entry["reached"][kind]
        row += [_shown(points[-1]["doubled"], threshold)] if kind == "halves" else []
        row += ["not reached" if reached is None else str(reached)]
        row += [_count(entry["predicted"])] if kind == "halves" else []
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
    """A table of spectra, and one of AUCs by number of directions."""
    from rich.table import Table

    for heading, entries in by_source(report["ranks"]):
        console.print(f"\n[bold]{_escaped(heading)}[/]", soft_wrap=True)
        table = Table(title="spread of the pairs' differences", title_justify="left", box=None)
        for name in (
            "layer",
            "1st",
            "first 4",
            "effective rank",
            "participation",
            "centred: 1st",
            "eff. rank",
        ):
            table.add_column(name, justify="right")
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
        console.print()
        console.print(table)
        sizes = [one["k"] for one in entries[0]["separation"]]
        table = Table(title="AUC on pairs left out, first k / without them", title_justify="left", box=None)
        for name in ("layer", "mean diff.", "k needed", *(f"k = {k}" for k in sizes)):
            table.add_column(name, justify="right")
        for entry in entries:
            cells = [f"{one['first']:.2f} / {one['rest']:.2f}" for one in entry["separation"]]
            needed = _count(entry["needed"])
            table.add_row(str(entry["layer"]), f"{entry['whole']:.3f}", needed, *cells)
        console.print()
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
