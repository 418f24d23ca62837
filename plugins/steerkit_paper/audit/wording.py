"""An audit in words and rows, for the terminal and for the pages alike."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from steerkit_paper.audit.findings import Audit, Finding
from steerkit_paper.audit.supplements import Addition
from steerkit_paper.records import Paper

# of measures that are printed in percent, in points, or in degrees
_UNITS = {"interval": "%", "difference": "pp", "reach": "pp", "overlap": "pp", "angle": "°"}
_P_VALUES = frozenset({"test", "chance"})
_NUMBERS_OF = frozenset({"between", "prompts"})


@frozen(kw_only=True)
class Row:
    """One finding as it is shown."""

    what: str
    section: str
    printed: str
    ours: str
    by_prompt: str
    verdict: str
    status: str
    detail: str


@frozen(kw_only=True)
class Group:
    """The findings about one table of the paper."""

    title: str
    rows: tuple[Row, ...]


def groups(paper: Paper, audit: Audit) -> list[Group]:
    """The findings by table, in the paper's order; tables without findings are left out."""
    made = []
    for table in paper.tables:
        rows = tuple(row(finding) for finding in audit.findings if finding.table == table.id)
        if rows:
            made.append(Group(title=f"{table.title} ({table.section})", rows=rows))
    return made


def row(finding: Finding) -> Row:
    """A finding, with its numbers as precise as the printed ones, and more precise where they differ."""
    # 88.649 is to be seen as less than 88.65, so two digits more where the last one is in question
    more = 0 if finding.status == "holds" else 2 if finding.last_digit else 1
    detail = [f"the printed figure comes out of {'; '.join(finding.found_by)}"] if finding.found_by else []
    return Row(
        what=finding.what,
        section=finding.section,
        printed=finding.printed,
        ours=values(finding.ours, finding.measure, finding.decimals + more),
        by_prompt=values(finding.by_prompt, finding.measure, finding.decimals),
        verdict=verdict(finding),
        status=finding.status,
        detail=". ".join([*detail, *([finding.note] if finding.note else [])]),
    )


def verdict(finding: Finding) -> str:
    """What is to be said of a finding, by prompt too."""
    if finding.last_digit:
        return "differs in the last digit"
    if finding.status == "holds" and finding.by_prompt_holds is False:
        return "holds, not by prompt"
    return finding.status


def values(found: Sequence[float] | None, measure: str | None, decimals: int) -> str:
    """Numbers of a measure as text; nothing where there are none."""
    if found is None:
        return ""
    unit = _UNITS.get(measure or "", "")
    decimals = 0 if measure in _NUMBERS_OF else decimals
    texts = [f"{v:.2g}" if measure in _P_VALUES else f"{v:.{decimals}f}{unit}" for v in found]
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"


def addition(entry: Addition) -> str:
    """A supplement in one line: its counts, and each value."""
    counts = ", ".join(f"{k}/{n}" for k, n in entry.counts)
    numbers = ", ".join(f"{name} {value:.2g}" for name, value in entry.values.items())
    return f"{entry.what} ({counts}): {numbers}" + (f". {entry.note}" if entry.note else "")


def summary(audit: Audit) -> list[str]:
    """What came out, in sentences."""
    n = audit.summary()
    differ = f"{n['differs']} differ ({n['in_the_last_digit']} of them in the last digit)"
    cannot = f"{n['cannot_be_recomputed']} cannot be recomputed"
    lines = [f"{n['printed']} printed figures: {n['holds']} hold, {differ}, {cannot}"]
    if n["repeated"]:
        lines.append(
            f"{n['repeated']} of them count repeats of a prompt as observations;"
            f" by prompt, {n['repeated_differs']} of these are not as printed"
        )
    lines += [
        f"{entry.rates} rates at n = {entry.n}: {entry.whole} of them are k of {entry.unique} prompts"
        for entry in audit.steps
    ]
    lines += [methods(name, counted) for name, counted in audit.methods.items()]
    own = f"{n['sums']} rates, depths and rows against their own parts: {n['sums_differ']} wrong"
    other = f"{n['compared']} quantities that stand in several places: {n['disagreements']} differ"
    return [*lines, own, other]


def methods(measure: str, counted: dict[str, int]) -> str:
    """Which method reproduces how many of the printed figures of a measure."""
    word = {"interval": "intervals", "test": "p values"}[measure]
    found = [f"{name} {count}" for name, count in counted.items() if name != "printed"]
    return f"{counted['printed']} printed {word}, reproduced by {', '.join(found)}"
