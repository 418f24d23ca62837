"""The data file: nothing of the paper's tables is missing, and everything says where it is printed."""

from collections import Counter

import pytest

from steerkit_core import SteerkitError
from steerkit_paper.records import load_paper

# the rows of each table and its columns, counted in the paper
SHAPES = {
    "models": (8, 4),
    "unsteered": (8, 1),
    "architecture": (3, 5),
    "size": (4 + 3, 4),
    "profile": (4 + 2, 5),
    "cosmic": (4, 5),
    "quantisation": (2, 4),
    "window": (3, 3),
    "transfer": (4, 3),
    "pairs": (5, 5),
    "tooling": (4, 2),
}
# the layer profile has three depths for each Qwen and four for each Gemma
PROFILE = {"Qwen 3B": 3, "Qwen 7B": 3, "Qwen 14B": 3, "Qwen 32B": 3, "Gemma 2B": 4, "Gemma 9B": 4}
# of the protocol's list of models
WIDTHS = {
    "Qwen/Qwen2.5-3B-Instruct": (36, 2048),
    "Qwen/Qwen2.5-7B-Instruct": (28, 3584),
    "Qwen/Qwen2.5-14B-Instruct": (48, 5120),
    "Qwen/Qwen2.5-32B-Instruct": (64, 5120),
    "google/gemma-2-2b-it": (26, 2304),
    "google/gemma-2-9b-it": (42, 3584),
    "google/gemma-2-27b-it": (46, 4608),
    "mistralai/Mistral-7B-Instruct-v0.3": (32, 4096),
}
# what is printed in the text, read once more: (table, measure) and how often
PRINTED = {
    ("text", "interval"): 1,
    ("size", "interval"): 7,
    ("quantisation", "interval"): 5,
    ("text", "reach"): 4,
    ("size", "effect"): 4,
    ("cosmic", "effect"): 1,
    ("quantisation", "effect"): 1,
    ("transfer", "ratio"): 4 + 2,
}


@pytest.fixture(scope="module")
def paper():
    return load_paper()


def tables(paper):
    return {table.id: table for table in paper.tables}


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_every_table_has_all_rows_and_columns(paper, name):
    table = tables(paper)[name]
    rows, columns = SHAPES[name]
    assert (table.rows, len(table.by_row), len(table.columns)) == (rows, rows, columns)
    for row, cells in table.by_row.items():
        found = {cell.column for cell in cells}
        assert found <= set(table.columns)
        if name == "profile":
            assert len(found) == PROFILE[row]
        else:
            assert found == set(table.columns)


def test_every_table_of_the_study_is_there(paper):
    # "text" has what stands in no table, "file" and "later" what the paper does not have
    assert set(tables(paper)) == {*SHAPES, "text", "file", "later"}
    for name in ("text", "file", "later"):
        assert tables(paper)[name].rows == len(tables(paper)[name].by_row)


def test_every_cell_says_where_it_is_printed(paper):
    for cell in paper.cells.values():
        assert cell.source
        assert cell.printed or cell.row, cell.id
        assert (cell.key is None) == (cell.key_value is None)
        assert (cell.k is None) == (cell.n is None)
        if cell.n is not None:
            assert 0 <= cell.k <= cell.n
            assert cell.value is not None


def test_models_are_those_of_the_protocol(paper):
    assert {model.id: (model.blocks, model.width) for model in paper.models.values()} == WIDTHS
    layers = {cell.row: cell.value for cell in tables(paper)["models"].cells if cell.column == "layers"}
    assert sorted(layers.values()) == sorted(blocks for blocks, _ in WIDTHS.values())


def test_pairs_are_tested_where_the_widths_are_equal(paper):
    cells = tables(paper)["pairs"].cells
    assert Counter(cell.printed for cell in cells) == {"self": 5, "tested": 4, "mismatch": 16}
    for cell in cells:
        same = cell.row.partition("(")[2] == cell.column.partition("(")[2]
        assert (cell.printed == "mismatch") == (not same)


def test_intervals_stand_in_the_table_as_they_are_audited(paper):
    printed = {cell.id: cell.printed for cell in tables(paper)["size"].cells if cell.column == "95% CI"}
    audited = {
        f"{statistic.id}.interval": statistic.printed
        for statistic in paper.statistics
        if statistic.table == "size" and statistic.measure == "interval"
    }
    assert printed == audited


def test_every_printed_statistic_is_a_record(paper):
    found = Counter((statistic.table, statistic.measure) for statistic in paper.statistics)
    assert {key: found[key] for key in PRINTED} == PRINTED
    cosines = [s for s in paper.statistics if s.measure is None and "cosine" in s.what]
    assert len(cosines) == 4 + 2 + 2 + 1
    for statistic in paper.statistics:
        assert statistic.section
        assert statistic.printed
        assert bool(statistic.reason) == (statistic.measure is None)
        assert bool(statistic.values) == (statistic.measure is not None) or statistic.reason


def test_every_table_has_recipes_or_says_what_is_missing(paper, registry):
    for table in paper.tables:
        assert {*table.recipes, *table.bundled} <= set(registry.recipes)
        if table.id not in ("models", "file"):
            assert bool(table.recipes) != bool(table.gap)
            assert bool(table.recipes) == bool(table.bundled)


def test_the_small_study_loads(small):
    assert [table.id for table in load_paper(small()).tables] == ["rates", "other"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("year = 2020", "year = ", "the paper's numbers: Invalid value (at line 5, column 8)"),
        (
            'id = "a.garbled"',
            'id = "a.coherent"',
            "the paper's numbers: 'a.coherent' is there twice",
        ),
        (
            'measure = "difference"',
            'measure = "difference"\nelse_of = [["nowhere"]]',
            "the paper's numbers: 'gap' refers to 'nowhere', which is not there",
        ),
        (
            'about = ["cosine"]',
            'about = ["sine"]',
            "the paper's numbers: 'angle' refers to 'sine', which is not there",
        ),
        (
            'evidence = ["test"]',
            'evidence = ["best"]',
            "the paper's numbers: 'claim' refers to 'best', which is not there",
        ),
        (
            'model = "one"',
            'model = "two"',
            "the paper's numbers: 'a.layer' refers to 'two', which is not there",
        ),
        (
            'id = "models"\ntable = "rates"',
            'id = "models"\ntable = "dates"',
            "the paper's numbers: 'models' refers to 'dates', which is not there",
        ),
        (
            'id = "pair"\ntable = "rates"',
            'id = "pair"\ntable = "rates"\nprinted = "none"',
            "the paper's numbers: extra fields found (printed) @ $.supplements[0]",
        ),
    ],
)
def test_wrong_data_is_named(small, old, new, message):
    with pytest.raises(SteerkitError) as caught:
        load_paper(small(old, new))
    assert str(caught.value) == message
