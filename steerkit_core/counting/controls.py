"""Whether a chosen cell beats its controls, so that its rate says something about the direction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from steerkit_core.counting.comparison import REFUSAL
from steerkit_core.results.cells import CellResult
from steerkit_core.results.findings import Comparison, ControlVerdict

LEVEL = 0.05
ALIKE = 0.5  # from this cosine on a control is half the direction itself, and its rate is told with it


def judge_controls(
    comparisons: Sequence[Comparison],
    cells: Mapping[str, CellResult],
    left_out: Iterable[tuple[str, Sequence[str]]],
) -> tuple[ControlVerdict, ...]:
    """Whether each chosen cell beats its controls.

    It does if it differs from its baseline and from every control, each by McNemar's exact test at
    p < 0.05 after Holm's adjustment for all comparisons of the run, and always in the same direction. That
    is the direction in which it differs from its baseline, and towards more refusals where it does
    not.

    Args:
        comparisons: those of the run, with `p_holm`.
        cells: of the run, by id.
        left_out: of each chosen cell that was to have controls, which there are none of, and why.
    """
    reasons: dict[str, dict[str, None]] = {}
    for cell, missing in left_out:
        reasons.setdefault(cell, {}).update(dict.fromkeys(missing))
    found: list[ControlVerdict] = []
    for cell, why in reasons.items():
        own = [entry for entry in comparisons if entry.cell == cell]
        if any(entry.role == "control" for entry in own):
            found.append(_verdict(cells[cell], own, cells, tuple(why)))
    return tuple(found)


def beats(comparison: Comparison, sign: int = 1) -> bool:
    """Whether a cell has surely more refusals than what it is compared with, with sign -1 fewer."""
    return comparison.p_holm < LEVEL and sign * comparison.difference.value > 0


def unbeaten_note(verdict: ControlVerdict, cell: CellResult) -> str:
    """What a reader has to know of a chosen cell that does not beat its controls."""
    quantized = "" if cell.quantization == "none" else f", {cell.quantization}"
    strength = "" if cell.multiplier is None else f", multiplier {cell.multiplier:g}"
    where = f"layer {cell.layer}{strength} (cell {cell.id})"
    return f"{cell.model}{quantized}, {where}: {verdict.sentence}."


def _verdict(
    cell: CellResult,
    own: Sequence[Comparison],
    cells: Mapping[str, CellResult],
    left_out: tuple[str, ...],
) -> ControlVerdict:
    baselines = [entry for entry in own if entry.role == "baseline"]
    fewer = any(entry.difference.value < 0 for entry in baselines)
    sign = -1 if fewer else 1
    unbeaten = [entry for entry in own if not beats(entry, sign)]
    controls = [cells[entry.reference] for entry in own if entry.role == "control"]
    against = [_share(cells[entry.reference]) for entry in baselines]
    strongest = (min if fewer else max)(controls, key=lambda control: control.rates[REFUSAL].rate)
    bound = "" if len(controls) == 1 else "at least " if fewer else "at most "
    number = "1 control" if len(controls) == 1 else f"{len(controls)} controls"
    if unbeaten:
        named = ", ".join(_unbeaten(entry, cells[entry.reference]) for entry in unbeaten)
        sentence = f"{_share(cell)} does not beat its controls: {named}"
    else:
        versus = [f"{share} for the baseline" for share in against]
        versus.append(f"{bound}{_share(strongest)} under {number}")
        sentence = f"{_share(cell)} against {' and '.join(versus)}"
    return ControlVerdict(
        cell=cell.id,
        label=REFUSAL,
        beaten=not unbeaten,
        controls=len(controls),
        unbeaten=tuple(_name(cells[entry.reference]) for entry in unbeaten),
        sentence=sentence,
        left_out=left_out,
    )


def _share(cell: CellResult) -> str:
    rate = cell.rates[REFUSAL]
    return f"{rate.k}/{rate.n}"


def _name(cell: CellResult) -> str:
    """As results have called it from the first version on."""
    return "unsteered" if cell.role == "baseline" else str(cell.control)


def _unbeaten(entry: Comparison, reference: CellResult) -> str:
    facts = [f"p = {entry.p_holm:.2g}"]
    cosine = None if reference.direction is None else reference.direction.cosine
    if cosine is not None and abs(cosine) >= ALIKE and reference.control != "flipped":
        facts.append(f"cosine {cosine:.2f} to the direction")
    name = "baseline" if reference.role == "baseline" else reference.control
    return f"{name} {_share(reference)} ({', '.join(facts)})"
