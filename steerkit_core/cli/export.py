"""`steerkit export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from steerkit_core.cli import completing
from steerkit_core.cli.application import application_of
from steerkit_core.cli.output import json_option, print_json
from steerkit_core.cli.runs import finished_run
from steerkit_core.errors import SteerkitError

if TYPE_CHECKING:
    from steerkit_core.plugin.registry import Registry
    from steerkit_core.results.run import KeptRun

DIRECTION_FORMATS = ("safetensors", "gguf", "repeng", "steering-vectors")
TABLE_FORMATS = ("csv", "parquet")
TABLES = ("cells", "completions", "verdicts", "comparisons")
ENDINGS = {"repeng": "gguf", "steering-vectors": "pt"}


@click.command(short_help="Write a run's directions or results in another format.")
@click.argument("run", type=click.Path(path_type=Path), shell_complete=completing.runs)
@click.option(
    "--to",
    "form",
    required=True,
    type=click.Choice([*DIRECTION_FORMATS, *TABLE_FORMATS]),
    help="The format: of directions, or csv and parquet of results.",
)
@click.option(
    "--cell",
    shell_complete=completing.cells,
    help="Whose directions: a steered cell, by the beginning of its id.  [default: the selected]",
)
@click.option("--table", type=click.Choice(TABLES), help="With csv and parquet.  [default: cells]")
@click.option("--out", type=click.Path(path_type=Path), help="The file.  [default: named after the run]")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@json_option
@click.pass_context
def export(
    context: click.Context,
    /,
    run: Path,
    form: str,
    cell: str | None,
    table: str | None,
    out: Path | None,
    *,
    force: bool,
    as_json: bool,
) -> None:
    """Write what RUN, a run directory or the name of one below runs/, has found into one file.

    safetensors holds every direction of a cell, at all positions and layers, for the extractor `transfer`
    and for other programs. gguf (llama.cpp), repeng and steering-vectors hold what the cell adds: its
    vectors, block by block, with the multiplier in them. csv and parquet hold results, a row for each cell,
    completion, verdict or comparison.

    \b
    Examples:
        steerkit export quickstart --to safetensors
        steerkit export quickstart --to gguf --cell c1f0c2a --out refusal.gguf
        steerkit export quickstart --to csv --table completions
    """
    kept = finished_run(run)
    stem = kept.folder.resolve().name
    if form in TABLE_FORMATS:
        if cell is not None:
            raise click.UsageError(f"--cell: {form} has the results of all cells, leave it out")
        table = table or "cells"
        path = target(out, f"{stem}-{table}.{form}", force=force)
        written = _table(kept, table, form, path)
    else:
        if table is not None:
            raise click.UsageError(f"--table: expected with csv or parquet, got --to {form}")
        path = target(out, f"{stem}.{ENDINGS.get(form, form)}", force=force)
        written = _directions(kept, cell, form, path, application_of(context).registry)
    if as_json:
        print_json({"file": str(path), "format": form, **written})
    else:
        click.echo(f"{path}: {_words(written)}")


def target(out: Path | None, default: str, *, force: bool) -> Path:
    """Where to write.

    Raises:
        SteerkitError: the file is there already, belongs to a run, or its folder is missing.
    """
    from steerkit_core.results.files import MANIFEST

    path = out or Path(default)
    if path.is_dir():
        raise SteerkitError(f"--out: {path} is a folder: name a file")
    if not path.parent.is_dir():
        raise SteerkitError(f"--out: there is no folder {path.parent}")
    if (path.parent / MANIFEST).exists():
        raise SteerkitError(f"--out: {path.parent} is a run directory: name a file elsewhere")
    if path.exists() and not force:
        raise SteerkitError(f"--out: {path} is there already: name another, or give --force to replace it")
    return path


def _table(run: KeptRun, name: str, form: str, path: Path) -> dict[str, Any]:
    from steerkit_core.export.columns import write_csv, write_parquet
    from steerkit_core.export.tables import Name, run_table

    found = run_table(run, cast("Name", name))
    (write_csv if form == "csv" else write_parquet)(path, found)
    return {"table": name, "rows": found.rows, "columns": list(found.columns)}


def _directions(
    run: KeptRun, cell: str | None, form: str, path: Path, registry: Registry
) -> dict[str, Any]:
    from steerkit_core.export.additions import additions
    from steerkit_core.export.control_vectors import check_llama_cpp, write_control_vectors
    from steerkit_core.export.steering_vectors import write_steering_vector
    from steerkit_core.results.cell import save_directions, steered_cell

    chosen = steered_cell(run, cell)
    facts = {"cell": chosen.entry["id"], "model": chosen.kept.model["id"]}
    if form == "safetensors":
        found = save_directions(chosen, path)
        return {**facts, "positions": list(found.positions), "layers": list(found.layers)}
    vectors = additions(chosen, registry)
    if form == "steering-vectors":
        write_steering_vector(path, vectors)
    else:
        if form == "gguf":
            check_llama_cpp(vectors, chosen.where)
        write_control_vectors(path, vectors, chosen.kept.model["model_type"])
    lengths = [float(vector.double().norm()) for vector in vectors.values()]
    return {**facts, "layers": list(vectors), "lengths": lengths}


def _words(written: dict[str, Any]) -> str:
    if "table" in written:
        return f"{written['rows']} {written['table']}, {len(written['columns'])} columns"
    layers = written["layers"]
    span = f"layer {layers[0]}" if len(layers) == 1 else f"layers {layers[0]} to {layers[-1]}"
    whose = f"cell {written['cell']}, for {written['model']}"
    if "positions" in written:
        where = ", ".join(map(str, written["positions"]))
        return f"directions at {span}, position {where}, of {whose}"
    lengths = list(dict.fromkeys(f"{length:.4g}" for length in sorted(written["lengths"])))
    length = lengths[0] if len(lengths) == 1 else f"{lengths[0]} to {lengths[-1]}"
    return f"what is added at {span}, of length {length}, of {whose}"
