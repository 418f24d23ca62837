"""Two cells compared, of one run or of two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from attrs import frozen

from steerkit_core.counting.comparison import (
    ArmTest,
    Clusters,
    PairedTest,
    compare_independent,
    compare_independent_shares,
    compare_paired,
    compare_shares,
)
from steerkit_core.errors import SteerkitError, StoreError
from steerkit_core.report.content.evidence import marked
from steerkit_core.results.cells import CellResult, Strength
from steerkit_core.results.converter import unstructured
from steerkit_core.results.rows import JudgedRow
from steerkit_core.results.run import KeptRun
from steerkit_core.stats import Rate, clustered_wilson, fold, wilson

MIXED = (
    "one side was sampled several times for each prompt and the other was not: of each prompt the label"
    " that most of its completions have is compared"
)
BY_PROMPT = "Fisher's test counts each prompt once, with the label that most of its completions have"


@frozen(eq=False)
class Arm:
    """One side: the run's folder, the cell, whether it was chosen on its prompts, and its completions."""

    folder: Path
    cell: CellResult
    chosen: bool
    rows: Sequence[JudgedRow]


@frozen(kw_only=True)
class Side:
    """What is shown of an arm."""

    run: str
    cell: str
    role: str
    model: str
    quantization: str
    extractor: str | None
    selector: str | None
    site: str | None
    control: str | None
    layer: int | None
    multiplier: float | None
    strength: Strength | None
    prompts: str
    classifier: str
    selected_on_evaluation: bool
    rate: Rate


@frozen(kw_only=True)
class Answer:
    """A verdict and the text that it is of."""

    label: str
    text: str


@frozen(kw_only=True)
class Discordant:
    """A prompt of which one side alone has the label."""

    prompt_id: str
    prompt: str
    first: Answer
    second: Answer


@frozen(kw_only=True)
class ArmComparison:
    """Two arms compared by a label: paired where their prompts are the same."""

    label: str
    paired: bool
    first: Side
    second: Side
    test: ArmTest
    notes: tuple[str, ...]
    discordant: tuple[Discordant, ...]

    def as_json(self) -> dict[str, object]:
        """The fields, with those of the test among them."""
        found: dict[str, object] = {}
        for name, value in unstructured(self).items():
            found |= unstructured(self.test) if name == "test" else {name: value}
        return found


def make_arm(kept: KeptRun, name: str | None, label: str) -> Arm:
    """One side of a comparison.

    Args:
        kept: a run that has ended.
        name: the beginning of a cell's id; None for the selected cell.
        label: the verdict whose rates are compared.

    Raises:
        StoreError: there is no such cell, it knows no such label, or a file of the run is damaged.
    """
    name = name or kept.results.selected
    if name is None:
        raise StoreError(f"{kept.folder}: no cell was selected, name one with --cell")
    cell = kept.cell(name)
    if label not in cell.counts:
        raise StoreError(
            f"{kept.folder}: cell {cell.id} has no label {label!r} (labels: {', '.join(cell.counts)})"
        )
    return Arm(kept.folder, cell, cell.id in marked(kept.results), kept.rows(cell.id))


def compare_arms(first: Arm, second: Arm, label: str, *, insist: bool = False) -> ArmComparison:
    """Two cells compared: paired where their prompts are the same.

    Raises:
        SteerkitError: they are not, and `insist` is set.
    """
    arms = (first, second)
    labels = [
        fold((row.prompt, str(row.label)) for row in arm.rows if row.label != "failed") for arm in arms
    ]
    prompts = [{row.prompt for row in arm.rows} for arm in arms]
    shared = prompts[0] & prompts[1]
    paired = prompts[0] == prompts[1]
    if insist and not paired:
        raise SteerkitError(
            f"{first.folder}, {second.folder}: not on the same prompts ({len(prompts[0])} and"
            f" {len(prompts[1])}, of which {len(shared)} are in both), so that they cannot be compared as"
            " paired; run both on the same evaluation prompts, or leave out --paired"
        )
    clusters = [_sampled(arm, label) for arm in arms]
    notes = _notes(arms, labels, shared, paired=paired)
    notes += [MIXED] if any(clusters) and not all(clusters) else []
    notes += [BY_PROMPT] if all(clusters) and not paired else []
    return ArmComparison(
        label=label,
        paired=paired,
        first=_side(first, labels[0], clusters[0], label),
        second=_side(second, labels[1], clusters[1], label),
        test=_test(labels, clusters, label, paired=paired),
        notes=tuple(notes),
        discordant=tuple(_discordant(arms, labels, label)) if paired else (),
    )


def _test(
    labels: Sequence[Mapping[str, str]], clusters: Sequence[Clusters], label: str, *, paired: bool
) -> ArmTest | PairedTest:
    (first, second), (one, other), sampled = labels, clusters, all(clusters)
    if paired:
        return compare_shares(one, other) if sampled else compare_paired(first, second, label)
    found = compare_independent(first, second, label)
    return compare_independent_shares(one, other, found) if sampled else found


def _sampled(arm: Arm, label: str) -> Clusters:
    """What a cell gave to each prompt, where it was sampled several times; else nothing."""
    found: dict[str, tuple[int, int]] = {}
    temperature = arm.cell.options.get("generation", {}).get("temperature", 0.0)
    if isinstance(temperature, int | float) and temperature > 0:
        for row in arm.rows:
            if row.label != "failed":
                k, m = found.get(row.prompt, (0, 0))
                found[row.prompt] = (k + (row.label == label), m + 1)
    return found if any(m > 1 for _, m in found.values()) else {}


def _side(arm: Arm, labels: Mapping[str, str], clusters: Clusters, label: str) -> Side:
    cell = arm.cell
    rate = wilson(list(labels.values()).count(label), len(labels))
    if clusters:
        rate, _ = clustered_wilson(list(clusters.values()))
    return Side(
        run=str(arm.folder),
        cell=cell.id,
        role=cell.role,
        model=cell.model,
        quantization=cell.quantization,
        extractor=cell.extractor,
        selector=cell.selector,
        site=cell.site,
        control=cell.control,
        layer=cell.layer,
        multiplier=cell.multiplier,
        strength=cell.strength,
        prompts=cell.prompts,
        classifier=cell.classifier,
        selected_on_evaluation=arm.chosen,
        rate=rate,
    )


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
        where = f"cell {arm.cell.id} of {arm.folder}"
        missing = len({row.prompt for row in arm.rows}) - len(found)
        if arm.chosen:
            notes.append(f"{where} was chosen on the prompts that it is compared on, which favours it")
        if missing:
            notes.append(f"{where} has no verdict on {missing} prompts, which are left out")
    if not paired and shared:
        notes.append(
            f"{len(shared)} prompts are in both, and Fisher's test takes the two for independent;"
            " with the same prompts on both sides the comparison would be paired"
        )
    judges = [(arm.cell.classifier, arm.cell.options["classifier"]) for arm in arms]
    if judges[0] != judges[1]:
        names = " and ".join(arm.cell.classifier for arm in arms)
        notes.append(f"the two were judged differently ({names}), so that a difference may be the judges'")
    return notes


def _discordant(arms: Sequence[Arm], labels: Sequence[Mapping[str, str]], label: str) -> list[Discordant]:
    """The prompts of which one side alone has the label, those of the first side before the others."""
    first, second = ({row.prompt: row for row in reversed(arm.rows)} for arm in arms)
    found = [
        Discordant(
            prompt_id=first[text].prompt_id,
            prompt=text,
            first=Answer(label=labels[0][text], text=first[text].text),
            second=Answer(label=labels[1][text], text=second[text].text),
        )
        for text in labels[0]
        if text in labels[1] and (labels[0][text] == label) != (labels[1][text] == label)
    ]
    return sorted(found, key=lambda row: row.first.label != label)
