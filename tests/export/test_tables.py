"""Results as CSV and Parquet, read back with pandas."""

import json

import pandas as pd
import pytest

TABLES = ("cells", "completions", "verdicts", "comparisons")


def flattened(value, prefix=""):
    """A nested entry as the page on exports says it: names with dots, lists as JSON."""
    found = {}
    for key, one in value.items():
        if isinstance(one, dict):
            found |= flattened(one, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = json.dumps(one, ensure_ascii=False) if isinstance(one, list) else one
    return found


def expected(run, name):
    report = json.loads((run / "results.json").read_text())
    if name in ("cells", "comparisons"):
        return [flattened(entry) for entry in report[name]]
    order = [cell["id"] for cell in report["cells"]]
    lines = [json.loads(line) for line in (run / f"{name}.jsonl").read_text().splitlines()]
    return [flattened(line) for line in sorted(lines, key=lambda line: order.index(line["cell"]))]


def read(path, form):
    if form == "parquet":
        return pd.read_parquet(path)
    return pd.read_csv(path, dtype={"prompt_id": str})


@pytest.mark.parametrize("form", ["csv", "parquet"])
@pytest.mark.parametrize("name", TABLES)
def test_every_value_is_read_back(name, form, many, give, tmp_path):
    run = many[0]
    code, out, _ = give("export", run, "--to", form, "--table", name)
    frame, rows = read(tmp_path / f"many-{name}.{form}", form), expected(run, name)
    assert (code, out) == (
        0,
        f"many-{name}.{form}: {len(rows)} {name}, {len(frame.columns)} columns\n",
    )
    assert len(frame) == len(rows) > 3
    for found, row in zip(frame.to_dict("records"), rows, strict=True):
        for column, value in found.items():
            wanted = row.get(column)
            if wanted is None or (form == "csv" and wanted == ""):
                assert pd.isna(value), column
            else:
                assert value == wanted, column
    inner = {column for row in rows for column, value in row.items() if value is not None}
    assert inner <= set(frame.columns)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_columns_have_the_types_of_their_fields(form, many, give, tmp_path):
    give("export", many[0], "--to", form)
    frame = read(tmp_path / f"many-cells.{form}", form)
    kinds = {
        "rates.refusal.low": "f",
        "rates.refusal.k": "i",
        "n": "i",
        "strength.residual": "f",
        "selected": "b",
        "id": "O",
    }
    assert {name: pd.Series(frame[name].to_numpy()).dtype.kind for name in kinds} == kinds
    assert list(frame.columns[:5]) == ["id", "model", "quantization", "dtype", "prompts"]
    assert frame.columns[-1].startswith("options.")


def test_whole_numbers_and_truths_with_gaps_stay_what_they_are_in_parquet(many, give, tmp_path):
    import pyarrow.parquet as pq

    give("export", many[0], "--to", "parquet")
    path = tmp_path / "many-cells.parquet"
    frame = pd.read_parquet(path)
    assert (frame["role"] == "baseline").any()
    assert list(frame["layer"].isna()) == list(frame["role"] == "baseline")
    types = {"layer": "Int64", "position": "Int64", "options.site.preserve_norm": "boolean", "n": "int64"}
    assert {name: str(frame[name].dtype) for name in types} == types
    # those who know nothing of pandas read the same numbers
    assert pq.read_table(path)["layer"].to_pylist() == [
        None if pd.isna(layer) else layer for layer in frame["layer"]
    ]


def test_texts_survive_csv(tmp_path):
    from steerkit_core.export.columns import write_csv
    from steerkit_core.export.tables import Table

    texts = ['a "b", c', "line\nbreak\r\nand another", "üñ 漢字 🎉", "=1+1", "x"]
    write_csv(tmp_path / "t.csv", Table.of({"text": text, "n": n} for n, text in enumerate(texts)))
    frame = pd.read_csv(tmp_path / "t.csv")
    assert frame["text"].tolist() == texts


def test_a_number_among_whole_ones_makes_the_column_one_of_numbers():
    from steerkit_core.export.tables import Table

    table = Table.of(
        [{"a": 1, "b": None, "c": 1, "d": {"e": None}}, {"a": 1.5, "b": {"x": True}, "c": "y", "d": None}]
    )
    assert dict(table.columns) == {
        "a": [1.0, 1.5],
        "b.x": [None, True],
        "c": ["1", "y"],
        "d.e": [None, None],
    }
