"""Which runs the goldens hold, and what is hashed of each.

Of the shipped recipes the prompts, the texts and the grids are made smaller, so that all are run in a few minutes.
"""

import hashlib
import json

from recorded_runs import HERE, changed, found

GOLDENS = HERE / "goldens.json"

FEW = {
    "prompts.evaluation": "prompts/evaluation.txt",
    "prompts.selection": "prompts/selection.txt",
    "generation.max_new_tokens": "24",
}
TWO_QWENS = '[{id = "bundled:qwen2-s"}, {id = "bundled:qwen2-m"}]'
SHIPPED = {
    "quickstart": {},
    "bundled-quantisation": FEW,
    "bundled-transfer": FEW | {"controls.random": "1"},
    "bundled-cosmic": FEW,
    "bundled-architectures": FEW | {"selector.depths": "[0.1, 0.4]", "selector.multipliers": "[2.0, 12.0]"},
    "bundled-rank-removed": FEW | {'grid."extractor.components"': "[1, 4]"},
    "bundled-tooling-nnsight": FEW,
}
# what no shipped recipe for a bundled model uses
OWN = ("sites", "extractors", "selectors", "classifiers")
# tiny random models of architectures with an adapter of their own and without one
FAMILIES = ("qwen3", "gemma3", "llama", "phi3")


def commands(models):
    """The command of every run, by its name; `models` is a folder for tiny models."""
    shipped = {name: ["run", name, *changed(changes)] for name, changes in SHIPPED.items()}
    own = {name: ["run", f"recipes/{name}.toml"] for name in OWN}
    tiny = {
        family: ["run", "recipes/families.toml", *changed({"model.id": json.dumps(str(models / family))})]
        for family in FAMILIES
    }
    return shipped | own | tiny


def save_tiny_model(name, models):
    """Make the tiny model that a run is about, if it is about one."""
    if name in FAMILIES:
        from steerkit_core.testing import save_tiny

        save_tiny(name, models / name)


def digests(folder):
    """SHA-256 of what a run came to, part by part; only `ids` depends on how cells are named."""
    run = found(folder)
    parts = {
        "texts": sorted(row[1:] for row in run["completions"]),
        "verdicts": sorted(row[1:] for row in run["verdicts"]),
        "selections": [
            {key: entry[key] for key in ("layer", "position", "multiplier", "first")}
            for entry in run["selections"]
        ],
        "rates": [{key: cell[key] for key in cell if key != "id"} for cell in run["rates"]],
        "ids": [cell["id"] for cell in run["rates"]],
    }
    hashed = {name: _sha256(part) for name, part in parts.items()}
    numbers = {"cells": len(run["rates"]), "completions": len(run["completions"])}
    return numbers | hashed | {"uses": uses_of(folder)}


def uses_of(folder):
    """The components that a run used, each with its kind."""
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    kinds = ("extractor", "selector", "site", "classifier")
    named = {f"{kind}: {setting[kind]['use']}" for setting in manifest["settings"] for kind in kinds}
    return sorted(named | {f"model adapter: {model['family']}" for model in manifest["models"]})


def _sha256(value):
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
