"""One model of a recipe as a run of its own: its name, its recipe, and what is there of it."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

from steerkit_core import KeptRun, SteerkitError, read_run


def folder_of(recipe: str, model: str) -> str:
    """The folder of a run, below that of all runs: the recipe's name and the model's."""
    name = model.rpartition(":")[2].rpartition("/")[2]
    return f"{Path(recipe).name.removesuffix('.toml')}-{re.sub(r'[^A-Za-z0-9._-]+', '-', name)}"


def changes_for(text: str, model: str) -> tuple[str, ...]:
    """What keeps one model of a recipe's grid of models; nothing where it has one model alone.

    Raises:
        SteerkitError: the recipe has no such model.
    """
    document = tomllib.loads(text)
    points = document.get("grid", {}).get("model", [document["model"]])
    mine = [point for point in points if point["id"] == model]
    if not mine:
        known = ", ".join(point["id"] for point in points)
        raise SteerkitError(f"recipe {document['run']['name']!r} has no model {model!r} (known: {known})")
    if len(points) == len(mine):
        return ()
    tables = ", ".join(
        "{" + ", ".join(f"{name} = {json.dumps(value)}" for name, value in point.items()) + "}"
        for point in mine
    )
    return (f"grid.model=[{tables}]",)


def finished(folder: Path, fingerprint: str) -> KeptRun | None:
    """The run of this recipe, if it has come to its end."""
    try:
        kept = read_run(folder)
    except SteerkitError:
        return None  # a damaged one is written again, from the completions
    same = kept.manifest.recipe_fingerprint == fingerprint
    return kept if same and kept.manifest.finished else None


def count_completions(folder: Path) -> int:
    """How many completions a run directory keeps."""
    try:
        return (folder / "completions.jsonl").read_bytes().count(b"\n")
    except OSError:
        return 0
