"""What the model was given: the prompt audit."""

from __future__ import annotations

from steerkit_core.report.content.prompts import audit_lines
from steerkit_core.report.content.record import Entry, RunRecord
from steerkit_core.report.page.sections.base import Section

MOST = 24


def section(run: RunRecord) -> Section | None:
    """None for a run of an earlier version, which has no audit."""
    models = [model for model in run.manifest.get("models", ()) if model.get("prompts")]
    if not models:
        return None
    shown = [
        {
            "name": model["id"] + _quantized(model),
            "lines": list(audit_lines(model["prompts"], example=False)),
            "example": model["prompts"].get("example"),
        }
        for model in models[: run.limit(MOST)]
    ]
    return Section("prompts", "Prompt audit", {"shown": shown, "left_out": len(models) - len(shown)})


def _quantized(model: Entry) -> str:
    found = model.get("quantization", "none")
    return "" if found == "none" else f", {found}"
