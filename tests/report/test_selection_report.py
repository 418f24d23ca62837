"""What a report shows of the candidates that a selector compared."""

from io import StringIO

from made_results import cell_entry, run_results
from rich.console import Console

from steerkit_core.report.content.selection import chosen_row, columns_of, in_words, ordered, title_of
from steerkit_core.report.terminal.selection import print_selections, selection_summary


def row(layer, score, excluded="", position=-1, **further):
    return {"position": position, "layer": layer, "score": score, "excluded": excluded, **further}


def report(*tables, rate=None, selector="cosmic"):
    cells = [cell_entry(id=f"c{n}", layer=2, position=-1, multiplier=4.0) for n in range(len(tables))]
    entries = [
        {
            "cell": cell["id"],
            "selector": selector,
            "prompts": "p",
            "reason": "it is the best",
            "overrides": {"site.unit": "raw"} if number else {},
            "refusal_rate": rate,
            "table": list(table),
        }
        for number, (cell, table) in enumerate(zip(cells, tables, strict=True))
    ]
    return run_results(cells=cells, selections=entries)


def text_of(parts):
    console = Console(file=StringIO(), width=100)
    for part in parts:
        console.print(part)
    lines = [line.split() for line in console.file.getvalue().splitlines()]
    return [" ".join(words) for words in lines if words and "\u2500" not in words[0]]


TABLE = (row(2, 1.87654, kl=0.02), row(1, 1.5, kl=0.0312), row(0, None, "degenerate", kl=None))


def test_the_best_rows_are_shown_and_the_others_counted(says):
    many = report([row(2, 2.0), *(row(layer, 1 - layer / 100) for layer in range(3, 12))])
    says("\n".join(text_of(selection_summary(many, many.selections[0]))))


def test_a_short_table_is_shown_whole_with_its_reasons():
    short = report(TABLE)
    assert text_of(selection_summary(short, short.selections[0])) == [
        "position layer score excluded kl",
        "* -1 2 1.8765 0.0200",
        "-1 1 1.5000 0.0312",
        "-1 0 degenerate",
    ]


def test_what_was_tried_stands_among_the_cells_already(says):
    swept = report([{"layer": 2, "position": -1, "refusal": 3}] * 4, rate=0.5, selector="sweep")
    assert list(selection_summary(swept, swept.selections[0])) == []
    says(title_of(swept.selections[0]))
    none = report([])
    assert list(selection_summary(none, none.selections[0])) == []


def test_many_settings_do_not_drown_the_page():
    many = report(TABLE, TABLE, TABLE, TABLE)
    assert text_of(selection_summary(many, many.selections[1])) == [
        "3 candidates (--selection shows them all)"
    ]


def test_all_tables_can_be_asked_for(says):
    both = report(TABLE, [])
    console = Console(file=StringIO(), width=100)
    print_selections(both, console)
    found = [line.rstrip() for line in console.file.getvalue().splitlines() if line.strip()]
    says(found[0])
    assert sum("-1" in line for line in found) == 3
    says("\n".join(found[-2:]))


def test_the_chosen_row_comes_first_and_those_left_out_last():
    given = report([row(1, 0.5), row(3, None, "depth"), row(2, 0.9)])
    (entry,) = given.selections
    assert [one["layer"] for one in ordered(given, entry)] == [2, 1, 3]
    assert chosen_row(given, entry) is entry.table[2]
    # a table of cells is told apart by its multipliers; one that names no layer has no chosen row
    tried = report([{"layer": 2, "multiplier": m} for m in (1.0, 4.0)])
    assert chosen_row(tried, tried.selections[0])["multiplier"] == 4.0
    other = report([{"family": "qwen"}])
    assert chosen_row(other, other.selections[0]) is None


def test_empty_columns_are_left_out_and_numbers_are_short():
    assert columns_of([row(1, None), row(2, None)]) == ["position", "layer"]
    assert [in_words(one) for one in (None, 3, 0.123456, 123456.7, "a", True)] == [
        "",
        "3",
        "0.1235",
        "1.235e+05",
        "a",
        "True",
    ]
