"""Try every component on every bundled model: `python docs/measure_methods.py --write`.

Each component has a run of its own, in which everything else is as in `COMMON`. What came of it is kept in
`docs/methods.json`, from which `docs/build_reference.py` makes the tables of `docs/methods.md`.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import click
import tomlkit
from rich.console import Console

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "methods.json"
MODELS = ("qwen2-s", "qwen2-m", "gemma2-s", "mistral-s")

DEPTHS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
MULTIPLIERS = [0.02, 0.04, 0.08, 0.16]
SWEEP = {"use": "sweep", "depths": DEPTHS, "multipliers": MULTIPLIERS}
COMMON: Mapping[str, Any] = {
    "run": {"name": "methods"},
    "controls": {"random": 0, "shuffled": 0, "flipped": False},
    "prompts": {
        "contrast": "refusal-64",
        "evaluation": "benign-30",
        "selection": "selection-30",
        "validation": "refusal-5",
    },
    "extractor": {"use": "dim"},
    "selector": SWEEP,
    "site": {"use": "residual-add", "unit": "residual"},
    "classifier": {"use": "refusal-tiered"},
    "generation": {"max_new_tokens": 60},
}


# sites that take the direction away; what they do shows on requests that the model refuses
REMOVING = ("ablate", "reflect")
# strengths of sites that set the projection instead of adding to it, in their unit
LENGTHS = {"clamp": ("residual", [0.04, 0.08, 0.16, 0.32]), "affine": ("raw", [0.5, 1.0, 1.5, 2.0])}


def plan(registry: Any, harmful: Path) -> dict[str, dict[str, Mapping[str, Any]]]:
    """The tables that each component's run has instead of the common ones, by kind and name.

    `harmful` is a file of requests that are refused.
    """
    suffix = {"use": "dim", "position": "suffix", "module": "input"}
    strength = {"use": "residual-add", "unit": "residual", "multiplier": 0.08}
    swept = {"depths": DEPTHS, "multipliers": MULTIPLIERS}
    # the bundled models begin help and refusals alike, so that no direction induces their first token
    off = {"induce_threshold": "off"}
    own = {"fixed": {"layer": 2}, "sweep": swept, "adaptive": swept, "arditi": off}
    judged = {"selector": {"use": "depth", "depth": 0.1}, "site": strength}
    # the models are not all of one width
    sources = {"transfer": {"source_model": "bundled:qwen2-s", "map": "ridge"}}
    needed = {"judge-model": {"model": "bundled:qwen2-s"}}
    return {
        "extractor": {
            name: {"extractor": {"use": name, **sources.get(name, {})}}
            for name in registry.names("extractor")
        },
        "selector": {
            name: {
                "selector": {"use": name, **own.get(name, {})},
                "extractor": suffix if name in ("arditi", "cosmic") else {"use": "dim"},
                "site": strength,
            }
            for name in registry.names("selector")
        },
        "site": {name: site_tables(name, registry, harmful) for name in registry.names("site")},
        "classifier": {
            name: {**judged, "classifier": {"use": name, **needed.get(name, {})}}
            for name in registry.names("classifier")
        },
    }


def site_tables(name: str, registry: Any, harmful: Path) -> dict[str, Any]:
    """What a site's run needs: directions read where it edits, and strengths in a unit that it has."""
    site = registry.get("site", name)
    found: dict[str, Any] = {"extractor": {"use": "dim", "module": site().module}}
    _, _, operation = name.rpartition("-")
    if operation in REMOVING or name == "conditional":
        table = {"use": name, **({"operation": "ablate"} if name == "conditional" else {})}
        if any(field.name == "directions" for field in attrs.fields(site)):
            table["directions"] = "per-layer"
        found["site"] = table
        found["selector"] = {"use": "depth", "depth": 0.3}
        found["prompts"] = {**COMMON["prompts"], "evaluation": str(harmful)}
        return found
    unit, multipliers = LENGTHS.get(operation, ("residual", MULTIPLIERS))
    found["site"] = {"use": name, "unit": unit}
    found["selector"] = {"use": "sweep", "depths": DEPTHS, "multipliers": multipliers}
    return found


def measure(
    tables: Mapping[str, Any], models: Sequence[str], folder: Path, registry: Any
) -> dict[str, Any]:
    """The chosen cell of every model, beside the unsteered one; a refusal to run is a result too."""
    from steerkit_core.errors import SteerkitError
    from steerkit_core.pipeline.recipe_run import run_recipe
    from steerkit_core.recipe.parsing import parse_recipe

    found: dict[str, Any] = {}
    for model in models:
        document = {**COMMON, **tables, "model": {"id": f"bundled:{model}"}}
        out = folder / model
        try:
            recipe = parse_recipe(tomlkit.dumps(document), registry, folder=ROOT / "docs")
            report = run_recipe(recipe, registry, out)
        except SteerkitError as error:
            found[model] = {"error": str(error)}
            continue
        cells = {cell["id"]: cell for cell in report["cells"]}
        (selection,) = report["selections"]
        baseline = next(cell for cell in report["cells"] if cell["role"] == "baseline")
        found[model] = _entry(cells[selection["cell"]]) | {
            "unsteered": baseline["counts"],
            "tried": sum(cell["n"] + cell["failed"] for cell in report["cells"]) - 2 * baseline["n"],
        }
    return found


def _entry(cell: Mapping[str, Any]) -> dict[str, Any]:
    columns = ("layer", "position", "multiplier", "unit", "counts", "n", "failed")
    return {column: cell[column] for column in columns}


@click.command()
@click.argument("names", nargs=-1)
@click.option("--model", "models", multiple=True, type=click.Choice(MODELS), help="[default: all]")
@click.option("--write", is_flag=True, help="Keep the results in docs/methods.json.")
def main(names: tuple[str, ...], models: tuple[str, ...], *, write: bool) -> None:
    """Measure the components NAMES, by default all."""
    from build_reference import shipped_registry

    registry = shipped_registry()
    refused = registry.get("prompt set", "refusal-val-32")().prompts()
    console = Console(stderr=True)
    known: dict[str, Any] = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    with tempfile.TemporaryDirectory() as top:
        harmful = Path(top) / "harmful.jsonl"
        lines = [{"id": one.id, "text": one.text} for one in refused if one.role == "positive"]
        harmful.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
        for kind, components in plan(registry, harmful).items():
            for name, tables in components.items():
                if names and name not in names:
                    continue
                console.print(f"{kind} {name}")
                found = measure(tables, models or MODELS, Path(top) / kind / name, registry)
                known.setdefault(kind, {}).setdefault(name, {}).update(found)
                click.echo(json.dumps({name: found}))
                if write:  # after each, as all of them together take a while
                    RESULTS.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", "utf-8")


if __name__ == "__main__":
    main()
