"""Two cells held against each other, of one run or of two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from steerkit_core.counting.comparison import (
    Clusters,
    compare_independent,
    compare_independent_shares,
    compare_paired,
    compare_shares,
)
from steerkit_core.errors import SteerkitError, StoreError
from steerkit_core.report.content.evidence import marked
from steerkit_core.results.run import KeptRun
from steerkit_core.stats import clustered_wilson, fold, wilson

# what makes two rates another thing altogether, though the prompts are the same
JUDGEMENT = ("classifier",)

Arm = Mapping[str, Any]
MIXED = (
    "one side was sampled several times for each prompt and the other was not: of each prompt the label"
    " that most of its completions have is compared"
)
BY_PROMPT = "Fisher's test counts each prompt once, with the label that most of its completions have"


def make_arm(kept: KeptRun, name: str | None, label: str) -> Arm:
    """One side: the run's folder, the cell's entry, whether it was chosen on its prompts, and its rows.

    Args:
        kept: a run that has ended.
        name: the beginning of a cell's id; None for the selected cell.
        label: the verdict whose rates are compared.

    Raises:
        StoreError: there is no such cell, it knows no such label, or a file of the run is damaged.
    """
    name = name or kept.report["selected"]
    if name is None:
        raise StoreError(f"{kept.folder}: no cell was selected, name one with --cell")
    entry = kept.cell(name)
    if label not in entry["counts"]:
        raise StoreError(
            f"{kept.folder}: cell {entry['id']} has no label {label!r}"
            f" (labels: {', '.join(entry['counts'])})"
        )
    chosen = entry["id"] in marked(kept.report)
    return {"folder": kept.folder, "entry": entry, "chosen": chosen, "rows": kept.rows(entry["id"])}


def compare_arms(first: Arm, second: Arm, label: str, *, insist: bool = False) -> dict[str, Any]:
    """What `steerkit compare` tells of two cells: paired where their prompts are the same.

    Raises:
        SteerkitError: they are not, and `insist` is set.
    """
    arms = (first, second)
    labels = [
        fold((row["prompt"], row["label"]) for row in arm["rows"] if row["label"] != "failed")
        for arm in arms
    ]
    prompts = [{row["prompt"] for row in arm["rows"]} for arm in arms]
    shared = prompts[0] & prompts[1]
    paired = prompts[0] == prompts[1]
    if insist and not paired:
        raise SteerkitError(
            f"{first['folder']}, {second['folder']}: not on the same prompts ({len(prompts[0])} and"
            f" {len(prompts[1])}, of which {len(shared)} are in both), so that they cannot be compared as"
            " paired; run both on the same evaluation prompts, or leave out --paired"
        )
    clusters = [_sampled(arm, label) for arm in arms]
    result = (compare_paired if paired else compare_independent)(labels[0], labels[1], label)
    if all(clusters):
        result = (
            compare_shares(clusters[0], clusters[1])
            if paired
            else compare_independent_shares(clusters[0], clusters[1], result)
        )
    return {
        "label": label,
        "paired": paired,
        "first": _side(first, labels[0], clusters[0], label),
        "second": _side(second, labels[1], clusters[1], label),
        **attrs.asdict(result),
        "notes": [
            *_notes(arms, labels, shared, paired=paired),
            *([MIXED] if any(clusters) and not all(clusters) else []),
            *([BY_PROMPT] if all(clusters) and not paired else []),
        ],
        "discordant": _discordant(arms, labels, label) if paired else [],
    }


def _sampled(arm: Arm, label: str) -> Clusters:
    """What a cell gave to each prompt, where it was sampled several times; else nothing."""
    found: dict[str, tuple[int, int]] = {}
    if arm["entry"]["options"].get("generation", {}).get("temperature", 0.0) > 0:
        for row in arm["rows"]:
            if row["label"] != "failed":
                k, m = found.get(row["prompt"], (0, 0))
                found[row["prompt"]] = (k + (row["label"] == label), m + 1)
    return found if any(m > 1 for _, m in found.values()) else {}


def _side(arm: Arm, labels: Mapping[str, str], clusters: Clusters, label: str) -> dict[str, Any]:
    entry = arm["entry"]
    rate = wilson(list(labels.values()).count(label), len(labels))
    if clusters:
        rate, _ = clustered_wilson(list(clusters.values()))
    shown = (
        "model",
        "quantization",
        "extractor",
        "selector",
        "site",
        "control",
        "layer",
        "multiplier",
        "strength",
    )
    return {
        "run": str(arm["folder"]),
        "cell": entry["id"],
        "role": entry["role"],
        **{key: entry.get(key) for key in (*shown, "prompts", "classifier")},
        "selected_on_evaluation": arm["chosen"],
        "rate": attrs.asdict(rate),
    }


def _notes(
    arms: Sequence[Arm],
    labels: Sequence[Mapping[str, str]],
    shared: set[str],
    *,
    paired: bool,
) -> list[str]:
    """What a reader of the comparison has to know."""
    notes: list[str] = []
    for arm, found in zip(arms, labels, strict=True):
        where = f"cell {arm['entry']['id']} of {arm['folder']}"
        missing = len({row["prompt"] for row in arm["rows"]}) - len(found)
        if arm["chosen"]:
            notes.append(f"{where} was chosen on the prompts that it is compared on, which favours it")
        if missing:
            notes.append(f"{where} has no verdict on {missing} prompts, which are left out")
    if not paired and shared:
        notes.append(
            f"{len(shared)} prompts are in both, and Fisher's test takes the two for independent;"
            " with the same prompts on both sides the comparison would be paired"
        )
    judges = [
        {key: arm["entry"][key] for key in JUDGEMENT} | arm["entry"]["options"]["classifier"]
        for arm in arms
    ]
    if judges[0] != judges[1]:
        names = " and ".join(arm["entry"]["classifier"] for arm in arms)
        notes.append(f"the two were judged differently ({names}), so that a difference may be the judges'")
    return notes


def _discordant(
    arms: Sequence[Arm], labels: Sequence[Mapping[str, str]], label: str
) -> list[dict[str, Any]]:
    """The prompts of which one side alone has the label, those of the first side before the others."""
    by_text = [{row["prompt"]: row for row in reversed(arm["rows"])} for arm in arms]
    found = [
        {
            "prompt_id": by_text[0][text]["prompt_id"],
            "prompt": text,
            **{
                side: {"label": verdicts[text], "text": rows[text]["text"]}
                for side, verdicts, rows in zip(("first", "second"), labels, by_text, strict=True)
            },
        }
        for text in labels[0]
        if text in labels[1] and (labels[0][text] == label) != (labels[1][text] == label)
    ]
    return sorted(found, key=lambda row: row["first"]["label"] != label)
