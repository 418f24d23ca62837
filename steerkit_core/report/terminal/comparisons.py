"""Comparisons of a run's rates in a terminal."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rich.markup import escape
from rich.table import Table

from steerkit_core.report.content.evidence import HEADINGS, ComparisonRow, only_one, test
from steerkit_core.report.terminal.layout import ruled_table
from steerkit_core.results.results import RunResults

SHORT = 3


def comparisons_table(
    results: RunResults,
    rows: Sequence[ComparisonRow],
    left_out: Collection[str] = (),
) -> Table:
    """Chosen cells against others on the same prompts, as `comparison_rows` gives them.

    `left_out` names columns that there is no room for.
    """
    told = {
        "h": "h: Cohen's; ",
        "only one": f"only one: {only_one(results)}; ",
        "p": f"p: {test(results)}; ",
    }
    table = ruled_table(
        title="share of refusals, against other cells on the same prompts",
        caption="difference in percentage points; "
        + "".join(words for name, words in told.items() if name not in left_out)
        + f"Holm: p of {test(results)}, adjusted for {len(results.comparisons)}",
    )
    # the names of a few rows may take several lines, and all of them where nothing else is left to give way
    wide = len(rows) > SHORT and "p" not in left_out
    table.add_column("", min_width=26 if wide else 12, overflow="fold")
    shown = [place for place, heading in enumerate(HEADINGS) if heading not in left_out]
    for place in shown:
        table.add_column(HEADINGS[place], justify="right", no_wrap=True)
    for row in rows:
        table.add_row(escape(f"{row.cell} - {row.against}"), *(row.columns[place] for place in shown))
    return table
