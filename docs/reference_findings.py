"""What the page on findings says: the audit of the paper's numbers, and what ran on the bundled models."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from steerkit_paper.audit.files import as_json
from steerkit_paper.audit.findings import make_audit
from steerkit_paper.records import load_paper

Rows = Iterator[Sequence[str]]


def audited() -> dict[str, Any]:
    """The audit as `steerkit replicate --audit --json` prints it."""
    paper = load_paper()
    return as_json(paper, make_audit(paper, None))


def figures(audit: Mapping[str, Any]) -> str:
    """How many of the printed figures hold, in a sentence."""
    count = audit["summary"]
    repeated, others = count["repeated"], count["repeated_differs"]
    return (
        f"Of {count['printed']} printed figures {count['holds']} hold, {count['differs']} differ"
        f" ({count['in_the_last_digit']} of them in the last digit), and"
        f" {count['cannot_be_recomputed']} cannot be recomputed. Among them are {repeated} from ten prompts"
        f" that were run five times each: by prompt, {others} of these {repeated} are other figures."
    )


def family(audit: Mapping[str, Any]) -> str:
    """The paper's own tests as one family, adjusted by Holm's method."""
    (values,) = (added["values"] for added in audit["additions"] if added["id"] == "add.family")
    adjusted = [_p(value) for name, value in values.items() if name.endswith("Holm")]
    return f"The paper's three tests, by prompt and adjusted by Holm's method: p = {', '.join(adjusted)}."


def claims(audit: Mapping[str, Any]) -> Rows:
    """Every claim with what became of it and why."""
    for claim in audit["claims"]:
        yield claim["claim"], claim["verdict"], claim["why"]


def comparisons(audit: Mapping[str, Any]) -> Rows:
    """Pairs of counts with all that says whether they differ."""
    for added in audit["additions"]:
        value = added["values"]
        if "difference" not in value:
            continue
        least, most = value["McNemar p, least"], value["McNemar p, most"]
        paired = _p(least) if least == most else f"{_p(least)} to {_p(most)}"
        yield (
            added["what"],
            " and ".join(f"{k}/{n}" for k, n in added["counts"]),
            f"{_points(value['difference'])} ({_points(value['low'])} to {_points(value['high'])})",
            f"{value['Cohen' + chr(39) + 's h']:.2f}",
            _p(value["Fisher p"]),
            paired,
        )


def bundled(results: Mapping[str, Any], words: Sequence[tuple[str, str, str]]) -> Rows:
    """Coherent refusals of thirty for each bundled model, by some components of `docs/methods.md`."""
    models = sorted({model for _, word, name in words for model in results[word][name]})
    for model in models:
        yield (model, *(_refused(results[word][name][model]) for _, word, name in words))


def _refused(found: Mapping[str, Any]) -> str:
    return f"{found['counts'].get('refusal', 0)}/{found['n']}"


def _points(value: float) -> str:
    return f"{100 * value:.0f}"


def _p(value: float) -> str:
    return f"{value:.3f}"


SHOWN = (
    ("`dim`, swept", "extractor", "dim"),
    ("`random`, swept", "extractor", "random"),
    ("layer by `cosmic`", "selector", "cosmic"),
    ("layer by the paper's advice", "selector", "family-depth"),
    ("direction of another model", "extractor", "transfer"),
)


def parts(
    results: Mapping[str, Any], table: Callable[[Sequence[str], Sequence[Sequence[str]]], str]
) -> dict[str, Callable[[], str]]:
    """What the page may ask for, by name; `table` makes Markdown of a heading and rows."""
    pair = ("comparison", "refused", "difference, in points", "h", "Fisher, p", "McNemar, p")
    return {
        "audit figures": lambda: figures(audited()),
        "audit claims": lambda: table(("the paper says", "verdict", "because"), list(claims(audited()))),
        "audit family": lambda: family(audited()),
        "audit comparisons": lambda: table(pair, list(comparisons(audited()))),
        "bundled findings": lambda: table(
            ("model", *(title for title, _, _ in SHOWN)), list(bundled(results, SHOWN))
        ),
    }
