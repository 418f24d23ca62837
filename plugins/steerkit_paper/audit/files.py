"""An audit as files: JSON for a program, Markdown and HTML for a reader."""

from __future__ import annotations

from pathlib import Path

from steerkit_paper import writing
from steerkit_paper.audit.findings import Audit
from steerkit_paper.audit.wording import addition, groups, summary
from steerkit_paper.records import Paper

SCHEMA_VERSION = 1


def as_json(paper: Paper, audit: Audit) -> dict[str, object]:
    """What `audit.json` holds."""
    return {
        "schema_version": SCHEMA_VERSION,
        "paper": writing.as_data(paper.study),
        "sources": dict(paper.sources),
        "summary": audit.summary(),
        **writing.as_data(audit),
    }


def write_audit(paper: Paper, audit: Audit, folder: Path) -> list[Path]:
    """Write `audit.json`, `audit.md` and `audit.html`; what is there is replaced.

    Raises:
        SteerkitError: the folder cannot be written to.
    """
    texts = {
        "audit.json": writing.to_json(as_json(paper, audit)) + "\n",
        "audit.md": render(paper, audit, "audit.md.jinja"),
        "audit.html": render(paper, audit, "audit.html.jinja"),
    }
    return writing.write_texts(folder, texts)


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
