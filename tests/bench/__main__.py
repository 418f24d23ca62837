"""Measures, prints tables, and writes them down where asked: `python -m bench --help`."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from bench.extraction import extraction
from bench.models import BUNDLED, RANDOM
from bench.reading import reading
from bench.report import ROOT, Section, machine, show, write
from bench.rfm import FULL as RFM_SIZES
from bench.rfm import SHORT as RFM_SHORT
from bench.rfm import rfm
from bench.scaling import scaling
from bench.selection import selection
from bench.startup import quickstart, startup
from bench.throughput import Effort, throughput

DEEPER = "qwen2-m"  # where the layers that a pass leaves out are most of them
PARTS = (
    *("startup", "quickstart", "throughput", "extraction", "scaling", "rfm", "selection"),
    "report",
)
FULL = Effort((*BUNDLED, RANDOM), repeats=3, tokens=40, batch=256)
SHORT = Effort(
    (BUNDLED[0], RANDOM),
    repeats=1,
    tokens=4,
    batch=16,
    large_batch=16,
    cells=1,
    naive_rows=2,
    slow_naive_rows=2,
    slow_peer_cells=1,
)


@click.command()
@click.option("--write", "renew", is_flag=True, help="Renew docs/benchmarks.* and docs/guide/speed.md.")
@click.option("--quick", is_flag=True, help="A short look: tiny amounts, figures that mean nothing.")
@click.option("--only", multiple=True, type=click.Choice(PARTS), help="One part; may be repeated.")
@click.option(
    "--model", "models", multiple=True, help="One model for throughput and extraction; may be repeated."
)
@click.option(
    "--provisional", default="", help="Why what is written is not to be relied on; the pages say so."
)
@click.option("--repeats", type=int, help="Of each throughput measurement.  [default: 3]")
@click.option("--threads", default=os.cpu_count() or 1, show_default=True, help="Of torch, everywhere.")
@click.option(
    "--environments",
    type=click.Path(path_type=Path),
    default=ROOT / ".nox" / "bench-peers",
    help="Where the environments of other libraries are kept.",
)
def main(
    *,
    renew: bool,
    quick: bool,
    only: tuple[str, ...],
    models: tuple[str, ...],
    repeats: int | None,
    provisional: str,
    threads: int,
    environments: Path,
) -> None:
    """Measure and print."""
    import torch
    from attrs import evolve

    if quick and renew:
        raise click.UsageError("--quick measures too little to be written down")
    torch.set_num_threads(threads)
    os.environ["OMP_NUM_THREADS"] = str(threads)  # for the other processes
    effort = SHORT if quick else FULL
    effort = evolve(effort, models=models or effort.models, repeats=repeats or effort.repeats)
    console = Console(width=130)
    console.print(f"{machine()}, {threads} threads\n")
    sections = []
    with tempfile.TemporaryDirectory() as place, Progress(console=Console(stderr=True)) as progress:
        for name in progress.track(
            [part for part in PARTS if part in (only or PARTS)], description="measuring"
        ):
            folder = Path(place) / name
            folder.mkdir()
            measure: dict[str, Callable[[], Section]] = {
                "startup": lambda: startup(1 if quick else 5),
                "quickstart": quickstart,
                "throughput": lambda folder=folder: throughput(folder, environments, effort),
                "extraction": lambda folder=folder: extraction(folder, effort.models, 2 if quick else 9),
                "selection": lambda folder=folder: selection(
                    folder,
                    effort.models if quick or models else (*effort.models, DEEPER),
                    1 if quick else 5,
                    2 if quick else 12,
                ),
                "scaling": lambda: scaling((10, 20) if quick else (10, 100, 1000)),
                "report": lambda: reading(1 if quick else 5),
                "rfm": lambda: rfm(RFM_SHORT if quick else RFM_SIZES),
            }
            sections.append(measure[name]())
            show(console, sections[-1])
    if renew:
        write(sections, provisional)


if __name__ == "__main__":
    main()
