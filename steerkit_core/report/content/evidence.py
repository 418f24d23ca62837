"""What is said of a run's rates beyond their intervals: comparisons, and what was chosen on what."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from steerkit_core.report.content.maps import VARYING, in_words
from steerkit_core.report.content.percent import in_points, points_interval

Entry = Mapping[str, Any]

# by the test: its name, how the prompts of one side alone are told, and its p-value in a caption
TESTS = {
    "mcnemar": "McNemar's exact test",
    "fisher": "Fisher's exact test",
    "sign-flip": "the exact sign-flip test of each prompt's share",
}
HEADINGS = ("n", "diff.", "95% CI", "h", "only one", "p", "Holm")


def marked(report: Entry) -> set[str]:
    """The cells that were chosen on the prompts that their rates are measured on."""
    chosen = {entry["cell"] for entry in report["selections"] if entry.get("selected_on_evaluation")}
    return chosen | ({report["selected"]} if report.get("selected_on_evaluation") else set())


def comparison_rows(
    report: Entry, roles: Collection[str] = ("baseline", "control")
) -> list[tuple[str, str, Entry, tuple[str, ...]]]:
    """Each comparison as (the cell in words, what it is held against, its entry, its columns).

    `roles` are those of the cells that are held against the chosen ones.
    """
    cells = {cell["id"]: cell for cell in report["cells"]}
    compared = [cells[entry["cell"]] for entry in report.get("comparisons", ())]
    varying = [key for key in VARYING if len({cell.get(key) for cell in compared}) > 1]
    return [
        (_name(cells[entry["cell"]], varying), _against(cells[entry["reference"]]), entry, columns(entry))
        for entry in report.get("comparisons", ())
        if entry["role"] in roles
    ]


def test(report: Entry) -> str:
    """The test by which a run's cells were compared on the same prompts."""
    used = dict.fromkeys(entry["test"] for entry in report.get("comparisons", ()))
    return " or ".join(TESTS[name] for name in used)


def only_one(report: Entry) -> str:
    """What the column of the prompts counts that tell two cells apart."""
    if any(entry["test"] == "sign-flip" for entry in report.get("comparisons", ())):
        return "prompts refused more often by the first, and by the second"
    return "prompts refused by the first alone, and by the second alone"


def columns(entry: Entry) -> tuple[str, ...]:
    """A comparison's numbers as `HEADINGS` names them."""
    gap = entry["difference"]
    return (
        str(entry["n"]),
        in_points(gap["value"]),
        points_interval(gap),
        f"{entry['cohens_h']:+.2f}",
        f"{entry['cell_only']}, {entry['reference_only']}",
        p_value(entry["p"]),
        p_value(entry["p_holm"]),
    )


def luck_line(found: Entry) -> str:
    """How much of a rate is luck, as a sentence."""
    return (
        f"{100 * found['rate']:.1f}% is the best of {found['candidates']} cells on these prompts; chosen on"
        f" resampled prompts and measured on the others ({found['resamples']} times), the best has"
        f" {100 * found['corrected']:.1f}%"
    )


def p_value(p: float) -> str:
    """A p-value as people read it."""
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def _name(cell: Entry, varying: list[str]) -> str:
    parts = [in_words(key, cell.get(key)) for key in varying]
    parts.append(f"layer {cell['layer']}")
    if cell["multiplier"] is not None:
        parts.append(f"multiplier {cell['multiplier']:g}")
    return ", ".join(parts)


def _against(cell: Entry) -> str:
    return "unsteered" if cell["role"] == "baseline" else str(cell["control"])


def control_lines(report: Entry, id_: str | None) -> list[str]:
    """Whether a chosen cell beats its controls, and which of them there are none of."""
    # a run of an earlier version had none
    return [
        "; ".join([entry["sentence"], *(f"without {why}" for why in entry["left_out"])])
        for entry in report.get("controls", ())
        if entry["cell"] == id_
    ]
