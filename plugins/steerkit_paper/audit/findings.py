"""Recompute all that the paper prints about its counts, and hold it against what is printed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Literal

from attrs import evolve, field, frozen

from steerkit_core import SteerkitError
from steerkit_paper.audit.consistency import Disagreement, Steps, Sum, compare_sources, cross_sums, steps
from steerkit_paper.audit.recompute import COUNTING, MEASURES, Arms, variants
from steerkit_paper.audit.supplements import Addition, add_supplements
from steerkit_paper.records import Claim, Paper, Statistic, decimals_of, half_unit

Status = Literal["holds", "differs", "cannot be recomputed"]


@frozen(kw_only=True)
class Finding:
    """One printed statistic beside ours.

    `ours` is None where it cannot be recomputed; `last_digit` is true where printed and ours are one apart
    in the last printed digit; `by_prompt` is ours with the repeats of a prompt as one observation, None
    where no prompt was repeated or nothing depends on it; `found_by` are other ways of computing that
    give what is printed.
    """

    id: str
    table: str
    section: str
    what: str
    measure: str | None
    printed: str
    decimals: int
    relation: str
    status: Status
    ours: tuple[float, ...] | None = None
    last_digit: bool = False
    by_prompt: tuple[float, ...] | None = None
    by_prompt_holds: bool | None = None
    found_by: tuple[str, ...] = ()
    note: str = ""


@frozen(kw_only=True)
class Audit:
    """All findings.

    `methods` counts how many printed figures each method reproduces, by measure; `compared` is how many
    quantities stand in several places.
    """

    methods: dict[str, dict[str, int]]
    findings: tuple[Finding, ...]
    steps: tuple[Steps, ...]
    sums: tuple[Sum, ...]
    disagreements: tuple[Disagreement, ...]
    additions: tuple[Addition, ...]
    claims: tuple[Claim, ...]
    compared: int = field(repr=False)

    def summary(self) -> dict[str, int]:
        """How many findings are of each kind."""
        found = Counter(finding.status for finding in self.findings)
        folded = [finding for finding in self.findings if finding.by_prompt is not None]
        return {
            "printed": len(self.findings),
            "holds": found["holds"],
            "differs": found["differs"],
            "in_the_last_digit": sum(finding.last_digit for finding in self.findings),
            "cannot_be_recomputed": found["cannot be recomputed"],
            "repeated": len(folded),
            "repeated_differs": sum(not finding.by_prompt_holds for finding in folded),
            "sums": len(self.sums),
            "sums_differ": sum(not entry.holds for entry in self.sums),
            "compared": self.compared,
            "disagreements": len(self.disagreements),
        }


def make_audit(paper: Paper, tables: Collection[str] | None = None) -> Audit:
    """Recompute everything about some tables, by default all.

    Claims are about the whole study, and only listed with it.
    """
    names = {table.id for table in paper.tables} if tables is None else set(tables)
    chosen = [statistic for statistic in paper.statistics if statistic.table in names]
    disagreements, compared = compare_sources(paper, names)
    return Audit(
        findings=tuple(_finding(paper, statistic) for statistic in chosen),
        methods=_methods(paper, chosen),
        steps=tuple(steps(paper, names)),
        sums=tuple(cross_sums(paper, names)),
        disagreements=tuple(disagreements),
        additions=tuple(add_supplements(paper, names)),
        claims=paper.claims if tables is None else (),
        compared=compared,
    )


def holds(ours: Sequence[float], printed: Sequence[float], relation: str, decimals: int) -> bool:
    """Whether ours is what is printed: equal when rounded as it is, or on the side that it names."""
    if relation == "=":
        return all(abs(a - b) <= half_unit(decimals) for a, b in zip(ours, printed, strict=True))
    compare = {
        "<": lambda a, b: a < b,
        ">": lambda a, b: a > b,
        "<=": lambda a, b: a <= b + 1e-9,
        ">=": lambda a, b: a >= b - 1e-9,
    }
    if relation not in compare:
        known = ", ".join(["=", *compare])
        raise SteerkitError(f"no relation {relation!r} between printed and recomputed (known: {known})")
    return all(compare[relation](a, b) for a, b in zip(ours, printed, strict=True))


def _finding(paper: Paper, statistic: Statistic) -> Finding:
    decimals = decimals_of(statistic.printed)
    made = Finding(
        id=statistic.id,
        table=statistic.table,
        section=statistic.section,
        what=statistic.what,
        measure=statistic.measure,
        printed=statistic.printed,
        decimals=decimals,
        relation=statistic.relation,
        status="cannot be recomputed",
        note=statistic.reason or statistic.note,
    )
    if statistic.measure is None:
        return made
    if statistic.measure not in MEASURES:
        raise SteerkitError(
            f"{statistic.id}: no measure {statistic.measure!r} (known: {', '.join(MEASURES)})"
        )
    compute = MEASURES[statistic.measure]
    ours = compute(_arms(paper, statistic, statistic.about))
    right = holds(ours, statistic.values, statistic.relation, decimals)
    by_prompt = None
    if statistic.measure in COUNTING and _repeated(paper, statistic):
        by_prompt = compute(_arms(paper, statistic, statistic.about, by_prompt=True))
    return evolve(
        made,
        status="holds" if right else "differs",
        ours=ours,
        last_digit=not right
        and statistic.relation == "="
        and all(abs(a - b) < 1.5 * 10.0**-decimals for a, b in zip(ours, statistic.values, strict=True)),
        by_prompt=by_prompt,
        by_prompt_holds=None
        if by_prompt is None
        else holds(by_prompt, statistic.values, statistic.relation, decimals),
        found_by=() if right else tuple(_explanations(paper, statistic, decimals)),
    )


def _arms(paper: Paper, statistic: Statistic, about: Sequence[str], *, by_prompt: bool = False) -> Arms:
    return Arms(paper, tuple(paper.cells[name] for name in about), statistic.parameters, by_prompt)


def _repeated(paper: Paper, statistic: Statistic) -> bool:
    sizes = [paper.cells[name].n for name in statistic.about]
    sizes.append(int(statistic.parameters["n"]) if "n" in statistic.parameters else None)
    return any(n is not None and paper.unique(n) != n for n in sizes)


def _explanations(paper: Paper, statistic: Statistic, decimals: int) -> list[str]:
    """What else gives the printed figure: another method, other cells, or both."""
    assert statistic.measure is not None
    if statistic.relation != "=":
        return []
    found = []
    for about in (statistic.about, *statistic.else_of):
        arms = _arms(paper, statistic, about)
        for name, compute in variants(statistic.measure).items():
            if holds(compute(arms), statistic.values, "=", decimals):
                rates = " against ".join(
                    f"{cell.k}/{cell.n}" if cell.n else cell.printed for cell in arms.cells
                )
                found.append(f"{name} of {rates}" if name else f"{rates} ({', '.join(about)})")
    return found


def _methods(paper: Paper, statistics: Sequence[Statistic]) -> dict[str, dict[str, int]]:
    counted: dict[str, dict[str, int]] = {}
    for statistic in statistics:
        if statistic.measure not in ("interval", "test") or statistic.relation != "=":
            continue
        arms = _arms(paper, statistic, statistic.about)
        made = counted.setdefault(statistic.measure, {"printed": 0})
        made["printed"] += 1
        for name, compute in variants(statistic.measure).items():
            right = holds(compute(arms), statistic.values, "=", decimals_of(statistic.printed))
            made[name] = made.get(name, 0) + right
    return counted
