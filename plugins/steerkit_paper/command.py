"""`steerkit replicate`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from steerkit_core import SteerkitError, nearest

if TYPE_CHECKING:
    from steerkit_paper.records import Paper


@click.command(short_help="The paper's tables: what holds, and how to repeat them.")
@click.argument("tables", nargs=-1, metavar="[TABLE]...")
@click.option("--audit", is_flag=True, help="Recompute what the paper prints from its counts.")
@click.option("--json", "as_json", is_flag=True, help="Print the audit as JSON.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for audit.json, audit.md and audit.html.",
)
def replicate(tables: Sequence[str], out: Path | None, *, audit: bool, as_json: bool) -> None:
    """List or check the tables of the paper that steerkit sets out to repeat.

    Without `--audit`: the recipes that repeat each TABLE, by default of all. With it: every interval, p
    value, effect size and ratio that the paper prints about them, recomputed from its counts and held
    against what is printed. Where ten prompts were run five times each, the figure for ten observations
    stands beside it. Needs no model; a figure that does not hold is a finding and no error.

    \b
    Examples:
        steerkit replicate --audit
        steerkit replicate size quantisation --audit --out audit
    """
    from steerkit_paper.records import load_paper

    if not audit and (as_json or out):
        raise SteerkitError(f"{'--json' if as_json else '--out'} needs --audit")
    paper = load_paper()
    known = [table.id for table in paper.tables]
    for name in tables:
        if name not in known:
            found = f"the paper has no table {name!r}{nearest(name, known)} (known: {', '.join(known)})"
            raise SteerkitError(found)
    if not audit:
        from steerkit_paper.show import print_pack

        print_pack(paper, tables or known)
        return
    _audit(paper, tables, out, as_json=as_json)


def _audit(paper: Paper, tables: Sequence[str], out: Path | None, *, as_json: bool) -> None:
    from steerkit_paper.audit import make_audit
    from steerkit_paper.page import as_json as to_json
    from steerkit_paper.page import write_audit

    found = make_audit(paper, tables or None)
    written = write_audit(paper, found, out) if out is not None else []
    if as_json:
        click.echo(json.dumps(to_json(paper, found), indent=1, ensure_ascii=False))
    else:
        from steerkit_paper.show import print_audit

        print_audit(paper, found)
    for path in written:
        click.echo(str(path), err=as_json)
