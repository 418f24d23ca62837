"""Tables as CSV and as Parquet."""

from __future__ import annotations

import csv
import json
from io import BytesIO, StringIO
from pathlib import Path

from steerkit_core.export.extras import need
from steerkit_core.export.tables import Table, Value
from steerkit_core.files.tensors import replace_file


def write_csv(path: Path, table: Table) -> None:
    """Write CSV in UTF-8: a header, nothing where there is no value, numbers to the last digit.

    Raises:
        StoreError: it cannot be written.
    """
    text = StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows(zip(*([_word(value) for value in one] for one in table.columns.values()), strict=True))
    replace_file(path, text.getvalue().encode())


def _word(value: Value) -> str | int | float | None:
    return str(value).lower() if isinstance(value, bool) else value


def write_parquet(path: Path, table: Table) -> None:
    """Write Parquet; a column without any value is one of strings.

    The file says which columns of whole numbers and truths have gaps, in the metadata that pandas reads.

    Raises:
        SteerkitError: the package `pyarrow` is missing, or the file cannot be written.
    """
    need("pyarrow", "parquet", "a Parquet file")
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), str: pa.string()}
    arrays = {}
    for name, values in table.columns.items():
        kind = next((type(value) for value in values if value is not None), str)
        arrays[name] = pa.array(values, type=kinds[kind])
    noted = [_for_pandas(name, kind) for name, kind in table.nullable.items()]
    facts = json.dumps({"index_columns": [], "column_indexes": [], "columns": noted})
    content = BytesIO()
    pq.write_table(pa.table(arrays).replace_schema_metadata({"pandas": facts}), content)
    replace_file(path, content.getvalue())


def _for_pandas(name: str, kind: str) -> dict[str, str | None]:
    plain = {"Int64": "int64", "boolean": "bool"}[kind]
    return {"name": name, "field_name": name, "pandas_type": plain, "numpy_type": kind, "metadata": None}
