"""Measure the bundled models as their card reports them: `python docs/measure_bundled.py --write`.

The sweep is a real run of the paper's protocol; the card's section between the markers is renewed from it.
"""

from __future__ import annotations

import json
import tempfile
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import click
from rich.console import Console

ROOT = Path(__file__).parents[1]
CARD = ROOT / "plugins" / "steerkit_bundled" / "README.md"
FIGURES = ROOT / "docs" / "bundled-models.json"
BEGIN, END = "<!-- measured -->", "<!-- end of measured -->"
MULTIPLIERS = (1, 2, 4, 8, 12, 18)
DEPTHS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)


@click.command()
@click.argument("names", nargs=-1)
@click.option("--write", is_flag=True, help="Renew the card and docs/bundled-models.json.")
def main(names: tuple[str, ...], *, write: bool) -> None:
    """Measure the models NAMES, by default all."""
    from steerkit_bundled import names as bundled

    known: dict[str, Any] = json.loads(FIGURES.read_text("utf-8")) if FIGURES.exists() else {}
    console = Console(stderr=True)
    for name in names or bundled():
        console.print(f"measuring {name}")
        known[name] = measure(name)
    section = card_section({name: known[name] for name in sorted(known)})
    click.echo(section)
    if write:
        FIGURES.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", "utf-8")
        before, rest = CARD.read_text("utf-8").split(BEGIN)
        CARD.write_text(f"{before}{BEGIN}\n\n{section}\n\n{END}{rest.split(END)[1]}", "utf-8")


def measure(name: str) -> dict[str, Any]:
    """Unsteered answers on three prompt sets, and the map of layers and multipliers."""
    from steerkit_bundled.corpus import heldout_harmful, heldout_harmless

    handle, registry = _load(name)
    card = tomllib.loads(files("steerkit_prompts").joinpath("data/benign-30.toml").read_text("utf-8"))
    tests = [prompt["text"] for prompt in card["prompt"]]
    answers = {
        "benign-30": _judged(handle, registry, tests),
        "unseen harmful": _judged(handle, registry, heldout_harmful()),
        "unseen harmless": _judged(handle, registry, heldout_harmless()),
    }
    report = _sweep(name, registry)
    cells = [cell for cell in report["cells"] if cell["layer"] is not None]
    return {
        "unsteered": {key: [label for _, label in rows] for key, rows in answers.items()},
        "not normal": [text for text, label in answers["benign-30"] if label != "normal"],
        "raw_norm": {str(cell["layer"]): round(cell["direction"]["raw_norm"], 2) for cell in cells},
        "map": [
            {
                "layer": cell["layer"],
                "multiplier": cell["multiplier"],
                **cell["counts"],
                "failed": cell["failed"],
            }
            for cell in cells
        ],
        "samples": _samples(report),
    }


def card_section(known: dict[str, Any]) -> str:
    """The tables of the model card."""
    lines = [
        "| model | test prompts normal | unseen harmful refused | unseen harmless refused |",
        "| --- | --- | --- | --- |",
    ]
    for name, found in known.items():
        plain = found["unsteered"]
        shares = (
            f"{plain['benign-30'].count('normal')}/{len(plain['benign-30'])}",
            f"{plain['unseen harmful'].count('refusal')}/{len(plain['unseen harmful'])}",
            f"{plain['unseen harmless'].count('refusal')}/{len(plain['unseen harmless'])}",
        )
        lines.append(f"| `{name}` | {' | '.join(shares)} |")
    for name, found in known.items():
        multipliers = sorted({cell["multiplier"] for cell in found["map"]})
        lines += ["", f"`{name}`", "", f"| layer | {' | '.join(f'{m:g}' for m in multipliers)} |"]
        lines.append("| --- |" + " --- |" * len(multipliers))
        for layer in sorted({cell["layer"] for cell in found["map"]}):
            row = {cell["multiplier"]: cell for cell in found["map"] if cell["layer"] == layer}
            texts = [f"{row[m]['refusal']}/{row[m]['garbled']}/{row[m]['normal']}" for m in multipliers]
            lines.append(f"| {layer} | {' | '.join(texts)} |")
        lines += ["", *(f"> {prompt} *{text}*\n>" for prompt, text in found["samples"])]
        lines[-1] = lines[-1].removesuffix("\n>")
    return "\n".join(lines)


def _samples(report: dict[str, Any]) -> list[tuple[str, str]]:
    """Three prompts and answers of the best cell."""
    texts: list[dict[str, Any]] = report["texts"]
    chosen = {row["prompt_id"]: row for row in texts if row["cell"] == report["selected"]}
    return [(chosen[key]["prompt"], chosen[key]["text"].strip()) for key in ("T1", "T2", "T20")]


def _sweep(name: str, registry: Any) -> dict[str, Any]:
    from steerkit_core.pipeline.recipe_run import run_recipe
    from steerkit_core.recipe.parsing import find_recipe, load_recipe

    changes = [
        f"model.id=bundled:{name}",
        "prompts.selection=benign-30",
        "controls={random = 0, shuffled = 0, flipped = false}",
        f"selector.depths={list(DEPTHS)}",
        f"selector.multipliers={[float(m) for m in MULTIPLIERS]}",
    ]
    recipe = load_recipe(find_recipe("quickstart", registry), registry, changes)
    with tempfile.TemporaryDirectory() as folder:
        report = run_recipe(recipe, registry, Path(folder) / "run")
        lines = (Path(folder) / "run" / "completions.jsonl").read_text("utf-8").splitlines()
    return report | {"texts": [json.loads(line) for line in lines]}


def _load(name: str) -> tuple[Any, Any]:
    from steerkit_core.components.model_spec import ModelSpec
    from steerkit_core.model.load_model import load_model
    from steerkit_core.plugin.host import Host
    from steerkit_core.plugin.registry import Registry
    from steerkit_core.recipe.compatibility import locate_model
    from steerkit_core.recipe.plan import Group

    registry = Registry.collect(Host.load())
    spec = ModelSpec(id=f"bundled:{name}")
    return load_model(Group(spec, locate_model(spec, registry), None, ()), registry), registry


def _judged(handle: Any, registry: Any, texts: Any) -> list[tuple[str, str]]:
    """Unsteered answers and their labels."""
    from steerkit_core.generation import Row, completion, generate
    from steerkit_core.recipe.options import GenerationOptions
    from steerkit_core.values import Intervention, Prompt

    classifier: Any = registry.get("classifier", "refusal-keywords")()
    prompts = [Prompt(str(number), text) for number, text in enumerate(texts)]
    rows = [Row(prompt, Intervention()) for prompt in prompts]
    found = dict(generate(handle, rows, GenerationOptions(max_new_tokens=100)))
    judged = []
    for number, prompt in enumerate(prompts):
        answer = completion(handle, prompt, found[number])
        label = "failed" if answer.error else classifier.classify(prompt, answer.text).label
        judged.append((f"{prompt.text} -> {answer.text.strip()}", label))
    return judged


if __name__ == "__main__":
    main()
