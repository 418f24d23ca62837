"""New tokens per second: steerkit's sweep beside plain generation, the paper's way, and other libraries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import define, field, frozen

from bench.models import RANDOM, Subject, load, prompts, subjects
from bench.naive import naive
from bench.ours import ours
from bench.peers import NEEDS, PeerError, Worker, environment, write_work
from bench.plain import plain
from bench.report import Section, Spread, against
from bench.work import Work, Written, sweep

if TYPE_CHECKING:
    from steerkit_core.model.handle import ModelHandle

HEADINGS = ("model", "way", "new tokens/s", "steerkit is", "aim", "same texts")
OURS, PLAIN, NAIVE = "steerkit, sweep", "transformers.generate, baseline", "one prompt at a time, hooks"


@frozen
class Effort:
    """How much is measured: everything, or a short look."""

    models: tuple[str, ...]
    repeats: int
    tokens: int
    batch: int
    large_batch: int = 128
    cells: int | None = None
    naive_rows: int = 30
    slow_naive_rows: int = 15
    slow_peer_cells: int = 3


@define
class Way:
    """One way to steer: the pairs that it is given, and what came of each repeat, or why nothing did."""

    name: str
    pairs: Sequence[tuple[int, int]]
    run: Callable[[Work, Sequence[tuple[int, int]]], Written]
    found: list[Written] = field(factory=list)
    problem: str = ""

    def repeat(self, work: Work, *, counted: bool = True) -> None:
        """Once more; a repeat that is not counted fills caches with a few rows of a few tokens."""
        if self.problem:
            return
        try:
            if counted:
                self.found.append(self.run(work, self.pairs))
            else:
                self.run(work.shorter(3), self.pairs[:2])
        except PeerError as error:
            self.problem = str(error)

    @property
    def spread(self) -> Spread:
        """New tokens per second over the repeats."""
        return Spread.of(written.rate for written in self.found)


def throughput(folder: Path, environments: Path, effort: Effort) -> Section:
    """All ways on all models, repeat by repeat in turn, so that a drift of the machine meets all alike."""
    import torch

    rows, figures, versions = [], [], {}
    for subject in subjects(folder, effort.models):
        handle = load(subject.folder)
        work = sweep(handle, prompts("benign-30"), effort.tokens)
        pairs = work.some_cells(effort.cells or len(work.cells))
        write_work(work, handle.pad_id, subject.folder)
        peers = {peer: start(peer, environments, subject, handle) for peer in NEEDS}
        ways = [*own_ways(handle, subject, pairs, effort), *peer_ways(peers, subject, work, pairs, effort)]
        for way in ways:
            way.repeat(work, counted=False)
        for _ in range(effort.repeats):
            for way in ways:
                way.repeat(work)
        for worker in peers.values():
            if isinstance(worker, Worker):
                versions.update({f"{name} {found}": None for name, found in worker.versions.items()})
                worker.stop()
        rows += table(subject, ways)
        figures += [raw(subject, way, ways[0]) for way in ways]
    notes = (
        (
            f"{len(work.cells)} cells (5 layers, 3 multipliers) of 30 prompts, {effort.tokens} new tokens each, in"
            f" batches of at most {effort.batch} ({effort.large_batch} on {RANDOM}); float32,"
            f" {torch.get_num_threads()} threads everywhere; median of {effort.repeats} interleaved repeats with"
            " the extremes"
        ),
        (
            f"one prompt at a time is measured on {effort.naive_rows} rows of the sweep ({effort.slow_naive_rows}"
            f" on {RANDOM}); other libraries get a cell's 30 prompts as one batch ({effort.slow_peer_cells} cells"
            f" on {RANDOM})"
        ),
        (
            f"environments of the other libraries: {', '.join(versions) or 'none'}; with transformers 4.57 repeng"
            " 0.4.0 fails on Qwen2 (no attribute 'attention_type'), and so gets an older one"
        ),
        (
            "same texts: the share of a way's texts that steerkit wrote token for token; rounding differs with the"
            " batch, and one token that differs changes all after it"
        ),
    )
    return Section("throughput", "Throughput of a sweep", HEADINGS, rows, figures, notes)


def own_ways(
    handle: ModelHandle, subject: Subject, pairs: list[tuple[int, int]], effort: Effort
) -> list[Way]:
    """What runs in this process, steerkit first."""
    batch = effort.large_batch if subject.name == RANDOM else effort.batch
    few = spread_over(pairs, effort.slow_naive_rows if subject.name == RANDOM else effort.naive_rows)
    return [
        Way(OURS, pairs, lambda work, pairs: ours(handle, work, pairs, batch)),
        Way(f"{OURS}, batch size auto", pairs, lambda work, pairs: ours(handle, work, pairs, "auto")),
        Way(PLAIN, pairs, lambda work, pairs: plain(handle, work, pairs, batch)),
        Way(NAIVE, few, lambda work, pairs: naive(handle, work, pairs)),
    ]


def spread_over(pairs: list[tuple[int, int]], count: int) -> list[tuple[int, int]]:
    """`count` pairs that lie evenly among all, with other prompts in every cell."""
    size = len(pairs)
    return sorted({pairs[(size * k // count + k) % size] for k in range(count)})


def peer_ways(
    peers: dict[str, Worker | str],
    subject: Subject,
    work: Work,
    pairs: list[tuple[int, int]],
    effort: Effort,
) -> list[Way]:
    """What runs in other environments; one that failed already keeps its problem."""
    some = work.some_cells(effort.slow_peer_cells) if subject.name == RANDOM else pairs
    return [
        Way(peer, some, _no_run, problem=found) if isinstance(found, str) else Way(peer, some, found.write)
        for peer, found in peers.items()
    ]


def start(peer: str, environments: Path, subject: Subject, handle: ModelHandle) -> Worker | str:
    """A peer with the model loaded, or what went wrong."""
    try:
        python = environment(peer, environments)
        return Worker.start(peer, python, subject.folder, handle.eos_ids)
    except PeerError as error:
        return str(error)


def _no_run(_work: Work, _pairs: Sequence[tuple[int, int]]) -> Written:
    raise AssertionError


def table(subject: Subject, ways: Sequence[Way]) -> list[tuple[str, ...]]:
    """One line for each way; steerkit's rate over its own."""
    own, rows = ways[0], []
    best = max((way.spread.median for way in ways if way.name in NEEDS and way.found), default=0.0)
    for way in ways:
        if not way.found:
            rows.append((subject.title, way.name, f"fails: {way.problem}", "", "", ""))
            continue
        ratio = own.spread.median / way.spread.median
        aim = ""
        if not subject.natural:
            if way.name == PLAIN:
                aim = against(ratio, 0.95)
            elif way.name == NAIVE:
                aim = against(ratio, 15 if subject.name == RANDOM else 30)
            elif way.name in NEEDS and way.spread.median == best:
                aim = against(ratio, 1.6)
        shown = "" if way is own else f"{ratio:.2f} x" if ratio < 10 else f"{ratio:.0f} x"
        same = "" if way is own or way.name == PLAIN else f"{same_texts(way, own):.0%}"
        rows.append((subject.title, way.name, way.spread.text(), shown, aim, same))
    return rows


def same_texts(way: Way, own: Way) -> float:
    """The share of a way's texts that steerkit wrote as well, token for token."""
    theirs, mine = way.found[0].texts, own.found[0].texts
    return sum(mine[pair] == text for pair, text in theirs.items()) / len(theirs)


def raw(subject: Subject, way: Way, own: Way) -> dict[str, Any]:
    """What a program may want to know."""
    found: dict[str, Any] = {"model": subject.name, "natural": subject.natural, "way": way.name}
    if not way.found:
        return {**found, "problem": way.problem}
    return {
        **found,
        "rates": [round(written.rate, 1) for written in way.found],
        "rows": len(way.pairs),
        "tokens": way.found[0].tokens,
        "same_texts": None if way.name == PLAIN else round(same_texts(way, own), 3),
    }
