"""The headline: one sentence, and the cells it speaks of."""

from __future__ import annotations

from steerkit_core.report.content.evidence import luck_line, marked
from steerkit_core.report.content.percent import interval
from steerkit_core.report.content.record import Entry, RunRecord
from steerkit_core.report.page.sections.base import Section
from steerkit_core.report.page.sections.cells import columns

FEW = 12  # chosen cells with a row of their own; all of them stand in the table of cells

FIRST, NOTES = 5, 80  # notes that are shown at once, and at all


def section(run: RunRecord) -> Section:
    """The result; every run has one."""
    report = run.report
    chosen = [cell for cell in report["cells"] if cell["selected"]]
    # the run's own choice first
    chosen.sort(key=lambda cell: cell["id"] != report["selected"])
    shown = chosen[: run.limit(FEW)]
    # each below the unsteered cell that it is held against
    rows = {one["id"]: one for cell in shown for one in (run.unsteered(cell), cell) if one is not None}
    best = report.get("optimism")
    return Section(
        "result",
        "Result",
        {
            "sentence": headline(run),
            "table": columns(run, list(rows.values())),
            "rest": len(chosen) - len(shown),
            "marks": marked(report),
            "luck": luck_line(best) if best and len(report["selections"]) > 1 else "",
            "notes": report["notes"][:FIRST],
            "more_notes": report["notes"][FIRST : run.limit(NOTES)],
            "left_out": len(report["notes"]) - run.limit(NOTES),
            "sick": [cell for cell in report["cells"] if cell.get("sick")][: run.limit(40)],
        },
    )


def headline(run: RunRecord) -> str:
    """The run's selected cell: where it is, its rate with the interval, and what its controls have."""
    cell = run.chosen
    if cell is None or cell.get("sick") or not cell["n"] or "refusal" not in cell["rates"]:
        failed = sum(bool(entry["failed"]) for entry in run.report["selections"])
        why = f", as {failed} of {len(run.report['selections'])} settings failed" if failed else ""
        return f"This run has no cell to speak of{why}."
    rate = cell["rates"]["refusal"]
    what = "prompts of " if rate["n"] == cell.get("n_unique", cell["n"]) else "completions on "
    return (
        f"{place(cell)}: {rate['k']} of {rate['n']} {what}{cell['prompts']} are refused coherently"
        f" ({100 * rate['rate']:.0f}%, 95% interval {interval(rate)}), {_against(run, cell)}"
        f"{_caution(run, cell)}."
    )


def place(cell: Entry) -> str:
    """What is added, where, and to which model."""
    quantized = "" if cell["quantization"] == "none" else f" in {cell['quantization']}"
    strength = "" if cell["multiplier"] is None else f", multiplier {cell['multiplier']:g}"
    return (
        f"With the direction of {cell.get('extractor')} at layer {cell['layer']}"
        f" (depth {cell['depth']:.2f}) of {cell['model']}{quantized}{strength}"
    )


def _against(run: RunRecord, cell: Entry) -> str:
    """What the unsteered model and the controls have."""
    found = [entry for entry in run.report.get("controls", ()) if entry["cell"] == cell["id"]]
    if found and found[0]["beaten"]:
        return f"against {found[0]['sentence'].split(' against ', 1)[-1]}"
    if found:
        names = ", ".join(found[0]["unbeaten"])
        return f"which does not beat {len(found[0]['unbeaten'])} of what it is held against ({names})"
    plain = run.unsteered(cell)
    rate = None if plain is None else plain["rates"].get("refusal")
    without = "no controls were run"
    return without if rate is None else f"against {rate['k']}/{rate['n']} unsteered; {without}"


def _caution(run: RunRecord, cell: Entry) -> str:
    if cell["id"] not in marked(run.report):
        return ""
    return "; the cell was chosen on these prompts, which favours it"
