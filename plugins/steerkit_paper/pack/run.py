"""Run the pack in a folder, with its report written anew after every table."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from steerkit_core import make_progress
from steerkit_paper.pack.files import earlier_tables, write_replication
from steerkit_paper.pack.load import load_mapping
from steerkit_paper.pack.mapping import Models
from steerkit_paper.pack.replication import Pack, Replication
from steerkit_paper.pack.runs import Runs

if TYPE_CHECKING:
    from steerkit_core import Registry
    from steerkit_paper.records import Paper


def run_pack(
    paper: Paper,
    registry: Registry,
    tables: Sequence[str],
    models: Models,
    folder: Path,
    *,
    fresh: bool = False,
    quiet: bool = False,
) -> Replication:
    """Run tables, by default all that have answers on these models, and write the report.

    What an interrupted command had finished is kept, and so are the tables of earlier commands in that
    folder: the report has them too. A run that cannot be had is no error: its rows say so.

    Raises:
        SteerkitError: the folder holds something else or cannot be written to.
    """
    pack = Pack(paper=paper, mapping=load_mapping(paper), models=models)
    kept = earlier_tables(folder, models)
    wanted = list(dict.fromkeys(tables)) or pack.mapping.tables_to_run(models)
    display = nullcontext if quiet else make_progress
    runs = Runs(registry=registry, folder=folder, display=display, fresh=fresh)
    found = Replication(pack=pack)
    started = time.monotonic()
    for table in pack.run(runs, wanted, kept):
        found = found.with_table(table)
        write_replication(found, folder)
        if not quiet and table.table.id in wanted:
            spent = f"{table.seconds:.0f} s, {time.monotonic() - started:.0f} s so far"
            click.echo(f"table {table.table.id}: done, {spent}", err=True)
    return found
