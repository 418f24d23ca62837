"""`steerkit show --cell` marks in a text what decided its verdict."""

from io import StringIO

import pytest
from made_results import cell_result, judged_row
from rich.console import Console

from steerkit_core.report.terminal.console import print_completions

ENTRY = cell_result(id="c123", n=1, counts={"refusal": 1, "garbled": 0, "normal": 0})


def shown(*, color, **row):
    stream = StringIO()
    console = Console(
        file=stream,
        highlight=False,
        width=200,
        force_terminal=color,
        color_system="standard" if color else None,
    )
    refused = judged_row(prompt_id="T1", prompt="Why?", label="refusal", rule="refusal", **row)
    print_completions(ENTRY, [refused], console)
    return stream.getvalue()


def test_the_places_that_decided_are_underlined_in_the_labels_colour():
    text = "  Well. I can't help. [bold]Bye[/]. I won't.\n"
    spans = [[text.index("I can't"), text.index(" [bold]")], [text.index("I won't"), len(text.rstrip())]]
    out = shown(color=True, text=text, spans=spans)
    assert "    Well. \x1b[4;32mI can't help.\x1b[0m [bold]Bye[/]. \x1b[4;32mI won't.\x1b[0m\n\n" in out


@pytest.mark.parametrize("row", [{}, {"spans": []}])
def test_a_run_without_spans_is_shown_as_it_was(row):
    assert shown(color=True, text=" Well. I can't. ", **row).endswith("\n    Well. I can't.\n\n")


@pytest.mark.parametrize("text", ["", "  \n"])
def test_an_empty_text_is_shown(text):
    assert shown(color=False, text=text, spans=[]).endswith("refusal\n    \n\n")


def test_without_colours_the_text_is_plain():
    out = shown(color=False, text="I can't help.", spans=[[0, 13]])
    assert out.endswith("\n    I can't help.\n\n")
