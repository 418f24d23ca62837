"""What the model was given: the prompt audit."""

from __future__ import annotations

from steerkit_core.report.content.prompts import audit_lines
from steerkit_core.report.content.record import RunRecord
from steerkit_core.report.page.sections.base import Section

MOST = 24


def section(run: RunRecord) -> Section | None:
    """None for a run of an earlier version, which has no audit."""
    models = [(model, model.prompts) for model in run.manifest.models if model.prompts is not None]
    if not models:
        return None
    shown = [
        {
            "name": model.id + ("" if model.quantization == "none" else f", {model.quantization}"),
            "lines": list(audit_lines(audit, example=False)),
            "example": audit.example,
        }
        for model, audit in models[: run.limit(MOST)]
    ]
    return Section("prompts", "Prompt audit", {"shown": shown, "left_out": len(models) - len(shown)})
