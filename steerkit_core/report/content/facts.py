"""What a run was made with, in a line or two."""

from __future__ import annotations

from steerkit_core.report.content.record import RunRecord


def facts(run: RunRecord) -> list[str]:
    """What stands below a run's name: its models, when it was made, and with what."""
    known = run.manifest
    models = [
        f"{model.id} ({model.architecture}, {model.num_layers or '?'} layers, hidden size"
        f" {model.hidden_size or '?'}, {model.dtype or '?'}, quantization {model.quantization or '?'})"
        for model in known.models[:12]
    ]
    if len(known.models) > len(models):
        models.append(f"and {len(known.models) - len(models)} more")
    made = [f"started {known.started}, finished {known.finished or 'not yet'}"]
    made += [f"seed {known.seed}"] if known.seed is not None else []
    return ["; ".join(models), ", ".join([*made, versions(run)])]


def versions(run: RunRecord) -> str:
    """The versions that the numbers depend on most."""
    found: dict[str, str | None] = {"steerkit": run.manifest.steerkit, "Python": run.manifest.python}
    found |= {name: run.manifest.versions.get(name) for name in ("torch", "transformers")}
    return ", ".join(f"{name} {version}" for name, version in found.items() if version)
