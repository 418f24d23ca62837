"""What a run was made with, in a line or two."""

from __future__ import annotations

from steerkit_core.report.content.record import RunRecord


def facts(run: RunRecord) -> list[str]:
    """What stands below a run's name: its models, when it was made, and with what."""
    known = run.manifest
    models = [
        f"{model['id']} ({model.get('architecture', '')}, {model.get('num_layers', '?')} layers, hidden"
        f" size {model.get('hidden_size', '?')}, {model.get('dtype', '?')}, quantization"
        f" {model.get('quantization', '?')})"
        for model in known["models"][:12]
    ]
    if len(known["models"]) > len(models):
        models.append(f"and {len(known['models']) - len(models)} more")
    made = [f"started {known['started']}, finished {known.get('finished') or 'not yet'}"]
    made += [f"seed {known['seed']}"] if "seed" in known else []
    return ["; ".join(models), ", ".join([*made, versions(run)])]


def versions(run: RunRecord) -> str:
    """The versions that the numbers depend on most."""
    found = {"steerkit": run.manifest.get("steerkit"), "Python": run.manifest.get("python")}
    found |= {name: run.manifest.get("versions", {}).get(name) for name in ("torch", "transformers")}
    return ", ".join(f"{name} {version}" for name, version in found.items() if version)
