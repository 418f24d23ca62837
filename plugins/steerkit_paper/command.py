"""`steerkit replicate`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from steerkit_core import SteerkitError, nearest

if TYPE_CHECKING:
    from steerkit_core import Registry
    from steerkit_paper.pack.mapping import Models
    from steerkit_paper.records import Paper


@click.command(short_help="Run the paper's tables, or recompute what it prints.")
@click.argument("tables", nargs=-1, metavar="[TABLE]...")
@click.option(
    "--models",
    type=click.Choice(["bundled", "paper"]),
    default="bundled",
    show_default=True,
    help="Those that ship with steerkit, or the paper's own.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder of the runs and the report.  [default: runs/replicate-MODELS]",
)
@click.option("--fresh", is_flag=True, help="Set earlier runs of these tables aside and start over.")
@click.option("--json", "as_json", is_flag=True, help="Print replicate.json, or the audit, as JSON.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
@click.option("--list", "listing", is_flag=True, help="List the tables and their recipes; run nothing.")
@click.option("--audit", is_flag=True, help="Recompute what the paper prints from its counts; no model.")
@click.pass_context
def replicate(
    context: click.Context,
    tables: Sequence[str],
    models: Models,
    out: Path | None,
    *,
    fresh: bool,
    as_json: bool,
    quiet: bool,
    listing: bool,
    audit: bool,
) -> None:
    """Run the tables of the paper that steerkit sets out to repeat, by default all of them.

    Every cell of a TABLE is compared with ours: both numbers, both intervals, and whether they agree,
    differ or cannot be compared, by one rule that stands in the report. On bundled models, which stand in
    for the paper's, that takes minutes; on the paper's it needs their weights and a GPU, and a model that
    cannot be had is reported as not run. The same command resumes where an earlier one stopped.

    With `--audit`: every interval, p value, effect size and ratio that the paper prints, recomputed from
    its counts; `--out` then takes audit.json, audit.md and audit.html. A figure that does not hold is a
    finding and no error.

    \b
    Examples:
        steerkit replicate
        steerkit replicate size quantisation --out runs/two-tables
        steerkit replicate window --models paper
        steerkit replicate --list
        steerkit replicate --audit --out audit
    """
    from steerkit_paper.records import load_paper

    _check_options(models, fresh=fresh, as_json=as_json, out=out, listing=listing, audit=audit)
    paper = load_paper()
    known = [table.id for table in paper.tables]
    for name in tables:
        if name not in known:
            found = f"the paper has no table {name!r}{nearest(name, known)} (known: {', '.join(known)})"
            raise SteerkitError(found)
    if listing:
        from steerkit_paper.terminal import print_tables

        print_tables(paper, tables or known)
    elif audit:
        _audit(paper, tables, out, as_json=as_json)
    else:
        registry: Registry = context.obj.registry
        folder = out or Path("runs") / f"replicate-{models}"
        _run(paper, registry, tables, models, folder, fresh=fresh, as_json=as_json, quiet=quiet)


def _check_options(
    models: str, *, fresh: bool, as_json: bool, out: Path | None, listing: bool, audit: bool
) -> None:
    """Refuse options that would say nothing."""
    if listing and audit:
        raise SteerkitError("--list and --audit: choose one of them")
    idle = {"--fresh": fresh, "--models paper": models == "paper"} if listing or audit else {}
    if listing:
        idle |= {"--json": as_json, "--out": out is not None}
    for name, given in idle.items():
        if given:
            raise SteerkitError(f"{name} says nothing with {'--list' if listing else '--audit'}")


def _run(
    paper: Paper,
    registry: Registry,
    tables: Sequence[str],
    models: Models,
    folder: Path,
    *,
    fresh: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    from steerkit_paper.pack.entries import as_json as entries
    from steerkit_paper.pack.files import NAMES
    from steerkit_paper.pack.run import run_pack
    from steerkit_paper.pack.show import print_replication
    from steerkit_paper.writing import to_json

    found = run_pack(paper, registry, tables, models, folder, fresh=fresh, quiet=quiet or as_json)
    if as_json:
        click.echo(to_json(entries(found, folder)))
    else:
        print_replication(found, tables)
    for name in NAMES:
        click.echo(str(folder / name), err=as_json)
    if found.runs and all(run.status == "not run" for run in found.runs):
        raise SteerkitError(f"nothing could be run: {found.runs[0].reason}")


def _audit(paper: Paper, tables: Sequence[str], out: Path | None, *, as_json: bool) -> None:
    from steerkit_paper.audit.files import as_json as entries
    from steerkit_paper.audit.files import write_audit
    from steerkit_paper.audit.findings import make_audit
    from steerkit_paper.audit.show import print_audit
    from steerkit_paper.writing import to_json

    found = make_audit(paper, tables or None)
    written = write_audit(paper, found, out) if out is not None else []
    if as_json:
        click.echo(to_json(entries(paper, found)))
    else:
        print_audit(paper, found)
    for path in written:
        click.echo(str(path), err=as_json)
