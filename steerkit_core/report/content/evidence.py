"""What is said of a run's rates beyond their intervals: comparisons, and what was chosen on what."""

from __future__ import annotations

from collections.abc import Collection

from attrs import frozen

from steerkit_core.report.content.maps import VARYING, in_words
from steerkit_core.report.content.percent import in_points, points_interval
from steerkit_core.results.cells import CellResult
from steerkit_core.results.findings import Comparison, SelectionBias
from steerkit_core.results.results import RunResults

# the name of a test in a caption
TESTS = {
    "mcnemar": "McNemar's exact test",
    "fisher": "Fisher's exact test",
    "sign-flip": "the exact sign-flip test of each prompt's share",
}
HEADINGS = ("n", "diff.", "95% CI", "h", "only one", "p", "Holm")


def marked(results: RunResults) -> set[str]:
    """The cells that were chosen on the prompts that their rates are measured on."""
    chosen = {entry.cell for entry in results.selections if entry.selected_on_evaluation and entry.cell}
    if results.selected_on_evaluation and results.selected is not None:
        chosen.add(results.selected)
    return chosen


@frozen
class ComparisonRow:
    """A comparison in words: the cell, what it is compared with, and its numbers as `HEADINGS` has them."""

    cell: str
    against: str
    found: Comparison
    columns: tuple[str, ...]


def comparison_rows(
    results: RunResults, roles: Collection[str] = ("baseline", "control")
) -> list[ComparisonRow]:
    """The comparisons with cells of some roles."""
    cells = results.by_id
    compared = [cells[entry.cell] for entry in results.comparisons]
    varying = [key for key in VARYING if len({getattr(cell, key) for cell in compared}) > 1]
    return [
        ComparisonRow(
            _name(cells[entry.cell], varying), _against(cells[entry.reference]), entry, columns(entry)
        )
        for entry in results.comparisons
        if entry.role in roles
    ]


def test(results: RunResults) -> str:
    """The test by which a run's cells were compared on the same prompts."""
    used = dict.fromkeys(entry.test for entry in results.comparisons)
    return " or ".join(TESTS[name] for name in used)


def only_one(results: RunResults) -> str:
    """What the column of the prompts counts that tell two cells apart."""
    if any(entry.test == "sign-flip" for entry in results.comparisons):
        return "prompts refused more often by the first, and by the second"
    return "prompts refused by the first alone, and by the second alone"


def columns(entry: Comparison) -> tuple[str, ...]:
    """A comparison's numbers as `HEADINGS` names them."""
    gap = entry.difference
    return (
        str(entry.n),
        in_points(gap.value),
        points_interval(gap),
        f"{entry.cohens_h:+.2f}",
        f"{entry.cell_only}, {entry.reference_only}",
        p_value(entry.p),
        p_value(entry.p_holm),
    )


def bias_line(found: SelectionBias) -> str:
    """How much of a rate is selection bias, as a sentence."""
    return (
        f"{100 * found.rate:.1f}% is the best of {found.candidates} cells on these prompts; chosen on"
        f" resampled prompts and measured on the others ({found.resamples} times), the best has"
        f" {100 * found.corrected:.1f}%"
    )


def p_value(p: float) -> str:
    """A p-value as people read it."""
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def _name(cell: CellResult, varying: list[str]) -> str:
    parts = [in_words(key, getattr(cell, key)) for key in varying]
    parts.append(f"layer {cell.layer}")
    if cell.multiplier is not None:
        parts.append(f"multiplier {cell.multiplier:g}")
    return ", ".join(parts)


def _against(cell: CellResult) -> str:
    return "baseline" if cell.role == "baseline" else str(cell.control)


def control_lines(results: RunResults, id_: str | None) -> list[str]:
    """Whether a chosen cell beats its controls, and which of them could not be made."""
    return [
        "; ".join([entry.sentence, *(f"without {why}" for why in entry.left_out)])
        for entry in results.controls
        if entry.cell == id_
    ]
