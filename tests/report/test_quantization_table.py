"""The table of cosines and lengths, as `steerkit show` prints it."""

from io import StringIO

from made_results import run_results
from rich.console import Console

from steerkit_core.report.terminal.numbers import shift_table

COMMON = {
    "model": "m", "dtype": "float32", "extractor": "dim", "contrast": "c", "position": -1, "layers": [0, 1],
    "reference": "r", "reference_raw_norms": [2.0, 351.0],
}  # fmt: skip
ENTRIES = [
    {
        **COMMON,
        "quantization": "int8",
        "extraction": "a",
        "cosines": [0.99954, None],
        "raw_norms": [2.1, None],
    },
    {
        **COMMON,
        "quantization": "int4",
        "extraction": "b",
        "cosines": [0.9, 0.8],
        "raw_norms": [2.25, 2351.4],
    },
]


def printed(entries):
    """The header and the rows; title and caption are folded to the table's width."""
    console = Console(file=StringIO(), width=100)
    console.print(shift_table(run_results(quantization=entries)))
    text = console.file.getvalue()
    lines = [line.split() for line in text.splitlines() if line.strip() and "─" not in line]
    start = [words[0] for words in lines].index("layer")
    return lines[start : start + 3], " ".join(text.split())


def test_lengths_stand_beside_cosines_and_the_unquantized_ones_once():
    rows, text = printed(ENTRIES)
    assert rows == [
        ["layer", "m,", "unquantized", "m,", "int8", "m,", "int4"],
        ["0", "2.000", "0.9995", "2.100", "0.9000", "2.250"],
        ["1", "351.0", "-", "-", "0.8000", "2351"],
    ]
    assert text.startswith("cosine of each layer's direction to the unquantized one layer")
    assert "length before normalizing" in text.partition("2351")[2]


def test_a_run_of_an_earlier_version_has_cosines_alone():
    lengths = ("raw_norms", "reference_raw_norms")
    earlier = [{name: value for name, value in entry.items() if name not in lengths} for entry in ENTRIES]
    assert printed(earlier)[0] == [
        ["layer", "m,", "int8", "m,", "int4"],
        ["0", "0.9995", "0.9000"],
        ["1", "-", "0.8000"],
    ]


def test_nothing_was_compared():
    assert shift_table(run_results()) is None
