"""Transfers: every pair of models, with what it does beside the target's own direction."""

from __future__ import annotations

import math
from collections.abc import Collection

from steerkit_core.results.findings import TransferResult
from steerkit_core.results.results import RunResults

ITSELF = "itself"  # the source that is the target
HEADINGS = ("layer", "mult.", "refusal", "own", "random", "TE", "95% CI", "cosine", "above")


def transfer_rows(results: RunResults) -> list[tuple[tuple[str, str], tuple[str, ...]]]:
    """Each transfer as (source and target in words, its columns)."""
    return [(pair_of(entry), _columns(entry)) for entry in results.transfers]


def excluded_lines(results: RunResults) -> list[str]:
    """The pairs that were left out, and why."""
    return [f"{entry.source} \u2192 {entry.target}: left out, {entry.reason}" for entry in results.excluded]


def legend(results: RunResults, left_out: Collection[str] = ()) -> str:
    """What the columns are, without those that are left out."""
    chance = {f"{one.cosine_by_chance:.2f}" for one in results.transfers if one.cosine_by_chance}
    by_chance = f", by chance up to {' or '.join(sorted(chance))} either way" if chance else ""
    told = {
        "layer": "the source's and the target's",
        "refusal": "with the transferred direction",
        "own": "with the target's own",
        "random": "with the strongest of the random directions",
        "TE": "refusal by own, in brackets where own is no more than random; its interval from prompts"
        " drawn anew for both",
        "cosine": f"of the two directions{by_chance}",
        "above": "which of the two refuses more often than every random direction (McNemar, Holm,"
        " p < 0.05)",
    }
    return "; ".join(f"{name}: {words}" for name, words in told.items() if name not in left_out)


def headline(results: RunResults) -> list[str]:
    """In how many pairs there is anything to transfer, and in which it does."""
    entries = [entry for entry in results.transfers if above_random(entry) != "-"]
    if not entries:
        return []
    steered = [entry for entry in entries if above_random(entry) in ("own", "both")]
    worked = [" \u2192 ".join(pair_of(entry)) for entry in steered if above_random(entry) == "both"]
    return [
        f"in {len(steered)} of {len(entries)} pairs the target's own direction does more than random ones,"
        f" so that TE says something; in {len(worked) or 'none'} of these the transferred one does so too"
        + (f": {', '.join(worked)}" if worked else "")
    ]


def above_random(entry: TransferResult) -> str:
    """Which of both directions beats the random ones: `both`, `own`, `source` or `none`; `-` unknown."""
    found = entry.random
    if found.transferred is None or found.own is None:
        return "-"
    beaten = found.transferred.beaten, found.own.beaten
    return {(True, True): "both", (False, True): "own", (True, False): "source"}.get(beaten, "none")


def pair_of(entry: TransferResult) -> tuple[str, str]:
    """Source and target in words."""
    source = ITSELF if not entry.differs else entry.source
    source += f" ({entry.run})" if entry.run else ""
    source += "" if entry.map == "none" else f", {entry.map} map"
    return source, entry.target + ("" if entry.quantization == "none" else f", {entry.quantization}")


def _columns(entry: TransferResult) -> tuple[str, ...]:
    layers = f"{'?' if entry.source_layer is None else entry.source_layer} \u2192 {entry.layer}"
    layers += "" if entry.own_layer == entry.layer else f" (own {entry.own_layer})"
    return (
        layers,
        "-" if entry.multiplier is None else f"{entry.multiplier:g}",
        f"{entry.transferred.k}/{entry.transferred.n}",
        f"{entry.own.k}/{entry.own.n}",
        _random(entry),
        efficiency(entry),
        interval(entry),
        "-" if entry.cosine is None else f"{entry.cosine:.3f}",
        above_random(entry),
    )


def _random(entry: TransferResult) -> str:
    found = entry.random.transferred
    return "-" if found is None else f"{found.strongest.k}/{found.strongest.n}"


def efficiency(entry: TransferResult) -> str:
    """A TE as a reader sees it: in brackets where the own direction does no more than random ones."""
    value = entry.efficiency.value
    if value is None:
        return "-"
    return f"({value:.2f})" if above_random(entry) in ("source", "none") else f"{value:.2f}"


def interval(entry: TransferResult) -> str:
    """The ends of an efficiency's interval; `-` where there is none."""
    found = entry.efficiency
    if found.low is None or found.high is None or found.degenerate:
        return "-"
    return f"{_end(found.low)}-{_end(found.high)}"


def _end(value: float) -> str:
    return "inf" if math.isinf(value) else f"{value:.2f}"
