"""An audit as files: JSON for a program, Markdown and HTML for a reader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs

from steerkit_paper import writing
from steerkit_paper.audit import Audit
from steerkit_paper.records import Paper
from steerkit_paper.wording import addition, groups, summary
from steerkit_paper.writing import write_texts

SCHEMA_VERSION = 1


def as_json(paper: Paper, audit: Audit) -> dict[str, Any]:
    """What `audit.json` holds."""
    found: dict[str, Any] = attrs.asdict(audit)
    return {
        "schema_version": SCHEMA_VERSION,
        "paper": {"title": paper.title, "author": paper.author, "year": paper.year},
        "sources": dict(paper.sources),
        "summary": audit.summary(),
        "methods": found["methods"],
        "findings": found["findings"],
        "steps": found["steps"],
        "sums": found["sums"],
        "disagreements": found["disagreements"],
        "additions": found["additions"],
        "claims": found["claims"],
    }


def write_audit(paper: Paper, audit: Audit, folder: Path) -> list[Path]:
    """Write `audit.json`, `audit.md` and `audit.html`; what is there is replaced.

    Raises:
        SteerkitError: the folder cannot be written to.
    """
    texts = {
        "audit.json": json.dumps(as_json(paper, audit), indent=1, ensure_ascii=False) + "\n",
        "audit.md": render(paper, audit, "audit.md.jinja"),
        "audit.html": render(paper, audit, "audit.html.jinja"),
    }
    write_texts(folder, texts)
    return [folder / name for name in texts]


def render(paper: Paper, audit: Audit, template: str) -> str:
    """One of the pages."""
    return writing.render(
        template,
        paper=paper,
        audit=audit,
        groups=groups(paper, audit),
        summary=summary(audit),
        addition=addition,
    )
