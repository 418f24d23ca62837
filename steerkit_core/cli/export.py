"""`steerkit export`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from steerkit_core.cli import completing
from steerkit_core.cli.application import application_of
from steerkit_core.cli.output import json_option, print_json
from steerkit_core.cli.runs import finished_run
from steerkit_core.errors import SteerkitError

if TYPE_CHECKING:
    from steerkit_core.export.written import WrittenDirections, WrittenTable
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
    help="File format; csv and parquet are for results, the others for directions.",
)
@click.option(
    "--cell",
    shell_complete=completing.cells,
    help="Steered cell whose directions to export, by a prefix of its id.  [default: the selected]",
)
@click.option(
    "--table", type=click.Choice(TABLES), help="Table to export as csv or parquet.  [default: cells]"
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="File to write.  [default: named after the run]"
)
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
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
    """Export the directions or results of RUN, a run directory or the name of one below runs/, to one file.

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
            raise click.UsageError(f"--cell: {form} has the results of all cells, omit it")
        table = table or "cells"
        path = target(out, f"{stem}-{table}.{form}", force=force)
        written: WrittenTable | WrittenDirections = _table(kept, table, form, path)
    else:
        if table is not None:
            raise click.UsageError(f"--table: expected with csv or parquet, got --to {form}")
        path = target(out, f"{stem}.{ENDINGS.get(form, form)}", force=force)
        written = _directions(kept, cell, form, path, application_of(context).registry)
    if as_json:
        print_json(written)
    else:
        click.echo(f"{path}: {written.words}")


def target(out: Path | None, default: str, *, force: bool) -> Path:
    """Where to write.

    Raises:
        SteerkitError: the file exists, belongs to a run, or its folder is missing.
    """
    from steerkit_core.results.files import MANIFEST

    path = out or Path(default)
    if path.is_dir():
        raise SteerkitError(f"--out: {path} is a folder: name a file")
    if not path.parent.is_dir():
        raise SteerkitError(f"--out: no folder {path.parent}")
    if (path.parent / MANIFEST).exists():
        raise SteerkitError(f"--out: {path.parent} is a run directory: name a file elsewhere")
    if path.exists() and not force:
        raise SteerkitError(f"--out: {path} already exists: name another, or overwrite it with --force")
    return path


def _table(run: KeptRun, name: str, form: str, path: Path) -> WrittenTable:
    from steerkit_core.export.columns import write_csv, write_parquet
    from steerkit_core.export.tables import Name, run_table
    from steerkit_core.export.written import WrittenTable

    found = run_table(run, cast("Name", name))
    (write_csv if form == "csv" else write_parquet)(path, found)
    return WrittenTable(
        file=str(path), format=form, table=name, rows=found.rows, columns=tuple(found.columns)
    )


def _directions(
    run: KeptRun, cell: str | None, form: str, path: Path, registry: Registry
) -> WrittenDirections:
    from steerkit_core.export.additions import additions
    from steerkit_core.export.control_vectors import check_llama_cpp, write_control_vectors
    from steerkit_core.export.steering_vectors import write_steering_vector
    from steerkit_core.export.written import WrittenDirections
    from steerkit_core.results.cell import save_directions, steered_cell

    chosen = steered_cell(run, cell)
    written = partial(
        WrittenDirections, file=str(path), format=form, cell=chosen.entry.id, model=chosen.kept.model.id
    )
    if form == "safetensors":
        found = save_directions(chosen, path)
        return written(positions=found.positions, layers=found.layers)
    vectors = additions(chosen, registry)
    if form == "steering-vectors":
        write_steering_vector(path, vectors)
    else:
        if form == "gguf":
            check_llama_cpp(vectors, chosen.where)
        write_control_vectors(path, vectors, str(chosen.kept.model.model_type))
    lengths = tuple(float(vector.double().norm()) for vector in vectors.values())
    return written(layers=tuple(vectors), lengths=lengths)
