"""Agreement of raters in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from steerkit_core.judging.agreement import AgreementReport, Disagreement, PairAgreement
from steerkit_core.report.content.percent import interval
from steerkit_core.report.terminal.console import LABEL_STYLE
from steerkit_core.report.terminal.layout import ruled_table


def print_agreement(found: AgreementReport, console: Console, *, shown: int) -> None:
    """A confusion table and the measures of each pair, and the first `shown` disagreements."""
    left = found.left_out
    out = [f"{left.early} that ended early" if left.early else ""]
    out += [f"{left.failed} that failed" if left.failed else ""]
    line = f"{found.texts} different texts of {found.rows} completions"
    out = [part for part in out if part]
    console.print(line + (f"; left out: {', '.join(out)}" if out else ""), soft_wrap=True)
    for pair in found.pairs:
        console.print()
        # a table's own title is broken at the width of its columns
        first, second = map(escape, pair.raters)
        title = f"[bold]{first} (rows) and {second} (columns), {pair.n} texts[/]"
        console.print(title, soft_wrap=True)
        console.print(confusion_table(pair))
        console.print(measures(pair), soft_wrap=True)
    if found.fleiss is not None:
        all_of_them = found.fleiss
        kappa = all_of_them.kappa
        value = "undefined" if kappa is None else f"{kappa:.2f}"
        console.print(f"\nall {all_of_them.raters} raters on {all_of_them.n} texts: Fleiss' kappa {value}")
    for note in found.notes:
        console.print(f"\n[yellow]note:[/] {escape(note)}", soft_wrap=True)
    disagreements = found.disagreements
    if disagreements and shown:
        _print_disagreements(disagreements, console, shown)


def confusion_table(pair: PairAgreement) -> Table:
    """Rows are the first rater's labels, columns the second's."""
    table = ruled_table()
    table.add_column("", no_wrap=True)
    for label in pair.labels:
        table.add_column(escape(label), justify="right", no_wrap=True)
    for row, (label, counts) in enumerate(zip(pair.labels, pair.table, strict=True)):
        cells = [
            f"[bold]{count}[/]" if row == column else f"[{'yellow' if count else 'dim'}]{count}[/]"
            for column, count in enumerate(counts)
        ]
        table.add_row(f"[bold]{escape(label)}[/]", *cells)
    return table


def measures(pair: PairAgreement) -> str:
    """Agreement in percent and Cohen's kappa, each with its interval."""
    if not pair.n:
        return "no text was judged by both"
    rate, kappa = pair.agreement, pair.kappa
    same = f"agreement {rate.k}/{rate.n}, {100 * rate.rate:.0f}% ({interval(rate)})"
    if kappa is None:
        return f"{same}; Cohen's kappa is undefined, as both gave every text one label"
    if 1 in (_used(pair.table), _used(list(zip(*pair.table, strict=True)))):
        return f"{same}; Cohen's kappa 0, as one rater gave every text the same label"
    value, low, high = (f"{number:z.2f}" for number in (kappa.value, kappa.low, kappa.high))
    return f"{same}; Cohen's kappa {value} ({low} to {high})"


def _used(table: Sequence[Sequence[int]]) -> int:
    """How many rows of a table are not empty."""
    return sum(any(row) for row in table)


def _print_disagreements(rows: Sequence[Disagreement], console: Console, shown: int) -> None:
    console.print(f"\n[bold]disagreements: {len(rows)} texts[/]")
    for row in rows[:shown]:
        where = f"[bold]{escape(row.prompt_id)}[/] {escape(row.prompt)}  [dim]cell {row.cell}[/]"
        console.print(f"\n{where}", soft_wrap=True)
        for name, verdict in row.verdicts.items():
            why = escape(": ".join(part for part in (verdict.rule, verdict.evidence) if part))
            style = LABEL_STYLE.get(verdict.label, "default")
            console.print(
                f"    {escape(name)}: [{style}]{escape(verdict.label)}[/] [dim]{why}[/]", soft_wrap=True
            )
        console.print(f"    {escape(row.text.strip())}", soft_wrap=True)
    if len(rows) > shown:
        console.print(f"\nand {len(rows) - shown} more; --disagreements {len(rows)} shows all")
